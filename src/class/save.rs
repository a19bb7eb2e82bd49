//! The roster as a file: CSV or JSON by its ending, whole or not at all, safe to open in a spreadsheet.

use std::io;
use std::path::Path;

use serde_json::json;

use super::roster::Row;
use crate::value::spreadsheet_cell;

/// The columns of the CSV file.
const COLUMNS: [&str; 9] =
    ["seat", "status", "reason", "name", "student_id", "github", "email", "duplicate_of", "more"];

/// Writes the rows; `Err` says why the file, if there was one, is as it was before.
pub fn save<'a>(path: &Path, rows: impl Iterator<Item = &'a Row>) -> Result<usize, String> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let rows: Vec<&Row> = rows.collect();
    let bytes = match ending.as_deref() {
        Some("csv") => csv(&rows).map_err(|error| error.to_string())?,
        Some("json") => json(&rows).into_bytes(),
        _ => return Err("the file's name ends in neither `.csv` nor `.json`".to_string()),
    };
    crate::platform::write_whole(path, &bytes).map_err(|error| crate::platform::reason(&error))?;
    Ok(rows.len())
}

fn csv(rows: &[&Row]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        let identity = &row.identity;
        let more: Vec<String> = identity.more.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let cells = [
            row.seat.to_string(),
            row.status.word().to_string(),
            spreadsheet_cell(&row.reason),
            spreadsheet_cell(&identity.name),
            spreadsheet_cell(&identity.student_id),
            spreadsheet_cell(&identity.github),
            spreadsheet_cell(&identity.email),
            row.duplicate_of.map_or(String::new(), |seat| seat.to_string()),
            spreadsheet_cell(&more.join("; ")),
        ];
        writer.write_record(cells)?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn json(rows: &[&Row]) -> String {
    let row = |row: &&Row| {
        json!({
            "seat": row.seat,
            "status": row.status.word(),
            "reason": row.reason,
            "name": row.identity.name,
            "student_id": row.identity.student_id,
            "github": row.identity.github,
            "email": row.identity.email,
            "duplicate_of": row.duplicate_of,
            "more": row.identity.more,
        })
    };
    let rows: Vec<serde_json::Value> = rows.iter().map(row).collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}
