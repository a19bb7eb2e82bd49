//! The memo: what a pickle refers back to.

use std::collections::BTreeMap;

use super::arena::Ref;

/// The memo. CPython's pickler numbers from 0 without gaps, which is the vector; any other number goes into the map, so
/// that index 2^32 - 1 costs one entry.
#[derive(Debug, Default)]
pub(super) struct Memo {
    dense: Vec<Ref>,
    sparse: BTreeMap<u64, Ref>,
}

impl Memo {
    pub(super) fn with_capacity(entries: usize) -> Memo {
        Memo { dense: Vec::with_capacity(entries), sparse: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.dense.len() + self.sparse.len()
    }

    #[inline]
    pub(super) fn put(&mut self, index: u64, item: Ref) {
        let next = self.dense.len() as u64;
        if index == next {
            self.dense.push(item);
            if !self.sparse.is_empty() {
                self.sparse.remove(&index);
            }
        } else if let Some(place) = usize::try_from(index).ok().and_then(|index| self.dense.get_mut(index)) {
            *place = item;
        } else {
            self.sparse.insert(index, item);
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u64) -> Option<Ref> {
        let dense = usize::try_from(index).ok().and_then(|index| self.dense.get(index));
        dense.or_else(|| self.sparse.get(&index)).copied()
    }
}
