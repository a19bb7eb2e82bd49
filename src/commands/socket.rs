//! Opening, listing, choosing and closing sockets.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Arg, Call, Group, Names, Parsed, Spec};
use crate::event::{Failure, Half, Name, What, Why};
use crate::lab::{Binding, Lab};
use crate::net::{self, Listener};

/// The host that a listening socket is bound to unless another is given: only programs on this machine reach it.
const HOST_DEFAULT: &str = "127.0.0.1";

/// How long a client that a program left in the queue may take to be seen, once the program has ended.
const LAST_CLIENT: Duration = Duration::from_millis(50);

pub static CONNECT: Spec = Spec {
    name: "connect",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[Arg::Address]],
    summary: "open a connection (IPv4, `[::1]:PORT`, a name)",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada",
    within: true,
    names: Names::Socket,
    run: |lab, call| Box::pin(connect(lab, call)),
};

pub static LISTEN: Spec = Spec {
    name: "listen",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Bind]],
    summary: "listen on a port (0 takes a free one); alone: show what arrives",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\nsend {\"clientid\": 7}\nclose\n@ada listen",
    within: true,
    names: Names::Socket,
    run: |lab, call| Box::pin(listen(lab, call)),
};

pub static ACCEPT: Spec = Spec {
    name: "accept",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Socket]],
    summary: "take the next client of a listening socket",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept srv as seat1",
    within: true,
    names: Names::Socket,
    run: |lab, call| Box::pin(accept(lab, call)),
};

pub static SHUTDOWN: Spec = Spec {
    name: "shutdown",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Choice("read|write", &["read", "write"])]],
    summary: "half-close: send no more, read no more, or neither",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n@ada shutdown write\n@seat expect eof",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(shutdown(lab, call)),
};

pub static CLOSE: Spec = Spec {
    name: "close",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Socket]],
    summary: "close a socket, a class; end a program",
    example: "listen 0 as srv\nclose srv",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(close(lab, call)),
};

pub static RESET: Spec = Spec {
    name: "reset",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[], &[Arg::Keyword("all")]],
    summary: "abort a connection (RST, not FIN); `all` ends whatever is open",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\naccept as seat\n@ada reset\n@seat expect reset",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(reset(lab, call)),
};

pub static USE: Spec = Spec {
    name: "use",
    aliases: &[],
    group: Group::Sockets,
    forms: &[&[Arg::Socket]],
    summary: "choose the socket that steps without `@NAME` mean",
    example: "listen 0 as srv\nconnect 127.0.0.1:$srv.port as ada\nuse srv\naccept as seat",
    within: false,
    names: Names::Nothing,
    run: |lab, call| Box::pin(use_socket(lab, call)),
};

/// The host and port that an address argument stands for.
fn address(lab: &Lab, call: &Call) -> Result<(String, u16), Failure> {
    let Some(Parsed::Address(host, port)) = call.args.first() else { return Err(call.misread(0)) };
    let host = host.as_ref().map_or(Ok(HOST_DEFAULT.to_string()), |host| lab.fill(host))?;
    let port = lab.fill(port)?;
    match port.parse() {
        Ok(port) => Ok((host, port)),
        Err(_) => {
            let failure = Failure::script(format!("`{}` is not a port", crate::value::escape(&port)));
            let failure = failure.hint("a port is a number from 0 to 65535");
            Err(failure.at(call.args_at, call.text.len() - call.args_at))
        }
    }
}

async fn connect(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let (host, port) = address(lab, call)?;
    lab.check_free(call.name.as_deref())?;
    let limit = lab.settings.limit(call);
    let started = Instant::now();
    let shown = crate::value::escape(&host).into_owned();
    let Some(outcome) = limit.wait(pin!(net::connect(&host, port))).await else {
        return Err(Failure::network(format!("connect timed out: {shown}:{port} did not answer within {}", limit.shown()))
            .hint("a firewall that drops packets, a wrong address, or a server whose backlog is full looks like this"));
    };
    let connection =
        outcome.map_err(|error| Failure::network(crate::value::escape(&error.to_string()).into_owned()))?;
    let took = started.elapsed();
    let (peer, local) = (connection.peer, connection.local);
    let socket = lab.add_connection(call.name.as_deref(), connection);
    lab.emit(What::Connected { socket, peer, local, host: shown, took });
    Ok(())
}

async fn listen(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    if call.args.is_empty() {
        return super::listen::listening_mode(lab, call).await;
    }
    let listener = bind(lab, call).await?;
    let local = listener.local;
    let socket = lab.add_listener(call.name.as_deref(), listener);
    lab.emit(What::Listening { socket, local });
    Ok(())
}

/// Opens the listening socket that the first argument asks for, once its name is known to be free.
pub async fn bind(lab: &Lab, call: &Call) -> Result<Listener, Failure> {
    let (host, port) = address(lab, call)?;
    lab.check_free(call.name.as_deref())?;
    let addresses = net::resolve(&host, port).await?;
    let address =
        addresses.first().ok_or_else(|| Failure::network(format!("cannot resolve host `{host}`")))?;
    let reuse = lab.settings.reuse_address;
    Listener::bind(*address, reuse).map_err(|error| {
        let rests =
            error.kind() == io::ErrorKind::AddrInUse && !reuse && Listener::bind(*address, true).is_ok();
        if rests { still_rests(*address) } else { cannot_listen(&error, *address) }
    })
}

/// Nobody listens there, and a program that does not ask for SO_REUSEADDR cannot either.
fn still_rests(address: SocketAddr) -> Failure {
    let message =
        format!("cannot listen on {address}: connections of before still rest on port {}", address.port());
    Failure::network(message).hint(
        "who closes a connection first keeps its port for a minute (TIME-WAIT): try again then, or `set reuse-address on`",
    )
}

fn cannot_listen(error: &io::Error, address: SocketAddr) -> Failure {
    let (why, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("port {} is in use", address.port()),
            "a program listens there already, maybe an earlier lab2sh; end it, or take another port (0 takes a free one)",
        ),
        io::ErrorKind::PermissionDenied => (
            "ports below 1024 are for the administrator".to_string(),
            "take a port from 1024 on, 12000 for example (0 takes a free one)",
        ),
        io::ErrorKind::AddrNotAvailable => (
            "this machine has no such address".to_string(),
            "127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses",
        ),
        _ => return Failure::network(format!("cannot listen on {address}: {}", net::reason(error))),
    };
    Failure::network(format!("cannot listen on {address}: {why}")).hint(hint)
}

async fn accept(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = match (call.name_at(0), &call.target) {
        (Some(name), _) => lab.known_socket(name, call.args_at)?,
        (None, Some((name, at))) => lab.known_socket(name, *at)?,
        (None, None) => lab.default_listener().ok_or_else(|| {
            Failure::script("`accept` needs a listening socket, and none is open")
                .hint("`listen PORT` opens one")
        })?,
    };
    lab.check_free(call.name.as_deref())?;
    let limit = lab.settings.limit(call);
    let started = Instant::now();
    let nobody_left = lab.nobody_left();
    let listener = lab.listener(&name)?;
    let local = listener.local;
    let waited = {
        let client = limit.wait(listener.accept());
        tokio::pin!(client);
        tokio::select! {
            biased;
            client = &mut client => client.ok_or_else(|| format!("within {}", limit.shown())),
            () = nobody_left => match tokio::time::timeout(LAST_CLIENT, client).await {
                Ok(Some(client)) => Ok(client),
                _ => Err("before every program that was started had ended".to_string()),
            },
        }
    };
    let outcome = waited.map_err(|when| {
        Failure::network(format!("no client came to `{name}` {when}"))
            .hint(format!("a client reaches it with `connect {local}`"))
    })?;
    let connection = outcome?;
    let peer = connection.peer;
    let took = started.elapsed();
    let socket = lab.add_connection(call.name.as_deref(), connection);
    lab.emit(What::Accepted { socket, listener: name, peer, took });
    Ok(())
}

async fn shutdown(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.socket_name(call)?;
    let (how, half) = match call.args.first() {
        Some(Parsed::Word("read")) => (Shutdown::Read, Half::Read),
        Some(Parsed::Word("write")) => (Shutdown::Write, Half::Write),
        _ => (Shutdown::Both, Half::Both),
    };
    let link = lab.link(&name)?;
    link.connection.shutdown(how).map_err(|error| {
        Failure::network(format!("cannot shut down `{name}`: {}", net::reason(&error)))
            .hint("the connection may be gone already; `sockets` shows its state")
    })?;
    lab.emit(What::ShutDown { socket: name, half });
    Ok(())
}

async fn close(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = match call.name_at(0) {
        Some(name) => lab.known_socket(name, call.args_at)?,
        None => lab.socket_name(call)?,
    };
    end(lab, name).await;
    Ok(())
}

/// Ends what a name stands for, each in its own way, and frees the name.
async fn end(lab: &mut Lab, name: Name) {
    match lab.remove_socket(&name) {
        Some(Binding::Connection(link)) => {
            let connection = &link.connection;
            let (buffered, kernel) = connection.waiting();
            let dropped = buffered + usize::try_from(kernel.unwrap_or(0)).unwrap_or(0);
            let (sent, received, unsent) =
                (connection.writer().sent(), connection.received, connection.writer().unsent());
            if dropped > 0 {
                // A kernel answers a close with RST where bytes were unread in it; those that lab2sh has read ahead count too.
                // One that refuses has lost the connection already.
                let _ = link.connection.reset();
            } else {
                drop(link);
            }
            lab.emit(What::Closed { socket: name, sent, received, dropped, unsent });
        }
        Some(Binding::Class(class)) => class.end().await,
        Some(Binding::Load(handle)) => {
            let report = Arc::new(handle.load.report());
            lab.emit(What::RunEnded { name: name.clone(), report: report.clone() });
            lab.keep_report(&name, report);
        }
        Some(Binding::Program(program)) => {
            program.end(Why::Closed).await;
        }
        _ => lab.emit(What::Closed { socket: name, sent: 0, received: 0, dropped: 0, unsent: 0 }),
    }
}

async fn reset(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    if call.form == 1 {
        return reset_all(lab).await;
    }
    let name = lab.socket_name(call)?;
    abort(lab, name)
}

/// Programs end first, so that none of them tells of connections that were taken from it; these are aborted then, so that none
/// keeps a port busy for the next program that listens there.
async fn reset_all(lab: &mut Lab) -> Result<(), Failure> {
    lab.end_each_program(Why::Closed).await;
    let names: Vec<Name> = lab.sockets().map(Name::from).collect();
    for name in names {
        match lab.get(&name) {
            Some(Binding::Connection(_)) => abort(lab, name)?,
            _ => end(lab, name).await,
        }
    }
    Ok(())
}

fn abort(lab: &mut Lab, name: Name) -> Result<(), Failure> {
    lab.link(&name)?;
    if let Some(Binding::Connection(link)) = lab.remove_socket(&name) {
        link.connection
            .reset()
            .map_err(|error| Failure::network(format!("cannot reset `{name}`: {}", net::reason(&error))))?;
    }
    lab.emit(What::Aborted { socket: name });
    Ok(())
}

async fn use_socket(lab: &mut Lab, call: &Call) -> Result<(), Failure> {
    let name = lab.known_socket(call.name_at(0).unwrap_or_default(), call.args_at)?;
    lab.current = Some(name.clone());
    lab.emit(What::Using { socket: name });
    Ok(())
}
