//! The table of all settings. A new one is a row here, and the field that it names.

use std::sync::LazyLock;

use super::field::{Field, SWITCH};
use super::setting::{Group, Reload, Setting, settings};
use super::tls::CLIENT_AUTH;
use super::value::Unit::{Bytes, Choice, Cost, Count, List, Text, Time};
use crate::program::log::FORMATS;
use crate::program::log_in::GUESTS;

/// All settings, in the order in which they are shown.
pub(super) static TABLE: LazyLock<Vec<&'static Setting>> =
    LazyLock::new(|| GROUPS.iter().flat_map(|group| group.settings).collect());

settings! {
    "Addresses" {
        listen: server.listen, List("ADDRESS"), Restart,
            "Where to listen: `host:port` for TCP, `tls://host:port`, `ws://host:port/path` and `wss://host:port/path` for a \
             WebSocket, or `unix:///path` with `?mode=660` after it for who may connect. Port 0 lets the system choose. `[::]:12345` is all of IPv6, and `0.0.0.0:12345` all of IPv4.";
        tls_cert: tls.cert, Text("FILE"), Live,
            "A file with the certificate for addresses with tls, and after it those that vouch for it, in PEM. The server \
             reads it again with SIGHUP.";
        tls_key: tls.key, Text("FILE"), Live,
            "A file with the key of the certificate, in PEM.";
        tls_client_ca: tls.client_ca, Text("FILE"), Live,
            "A file with the certificates of those who issue certificates to clients, in PEM. With it, the server asks \
             clients over TLS for a certificate. It reads the file again with SIGHUP.";
        tls_client_auth: tls.client_auth, Choice(CLIENT_AUTH), Live,
            "Whether a client over TLS must show a certificate then: optional or required.";
        websocket_hosts: server.websocket_hosts, List("NAME"), Live,
            "Names of this server that a browser may ask for over a WebSocket, such as `chat.example`. Addresses and \
             `localhost` are always allowed. The server refuses others, to which somebody else may have pointed a name.",
            flag = "websocket-host";
        websocket_origins: server.websocket_origins, List("ORIGIN"), Live,
            "Where the pages are from that may connect over a WebSocket, such as `https://chat.example`. Pages of the host \
             that they ask for are always allowed, and programs that name no origin.",
            flag = "websocket-origin";
        page: page.is_served, Choice(SWITCH), Live,
            "Whether a browser that opens the address of a WebSocket gets a page there: http:// stands for ws://, and \
             https:// for wss://. Without a page it is told that a WebSocket is spoken there.";
        page_listen: page.listen, Text("ADDRESS"), Restart,
            "Where the server also listens for browsers: `host:port`, `ws://host:port/path`, or `none`. With `?resume=10m` \
             after it, sessions of those who connect there wait for 10 minutes in place of resume_time_max. The default \
             holds only where nothing is said about listen. If its port is in use, the server says so and goes on without.";
        proxy_from: server.proxy_from, List("NETWORK"), Live,
            "Where the proxies are, as addresses or networks like `10.0.0.0/8`, that connect to the addresses with \
             `?proxy=yes` after them. They send a header of the PROXY protocol, version 1 or 2, from which the server takes \
             the client's address. The server turns others away there.";
        reconnect_after: reconnect.after, Time, Live,
            "When clients are advised to connect again after the server has stopped. Without it, they come back as after a \
             break.";
        reconnect_to: reconnect.to, Text("HOST:PORT"), Live,
            "Where clients are advised to connect then, if not to this server: to another port of its host, or over TLS to \
             another address of it. To all else `chatcore-client` goes only if its user has named that with \
             `--follow HOST[:PORT]`. It needs reconnect_after.";
        hub_number: server.hub_number, Count, Restart,
            "The number of this server among servers that work together, 0 to 1023. The ids of its messages hold this \
             number, so that no two servers give the same id.";
    }
    "The log" {
        log_level: log.level, Text("FILTER"), Live,
            "What to log: error, warn, info, debug or trace, or a filter such as `info,chatcore_server=debug`.",
            older = ("log", "RUST_LOG");
        log_format: log.format, Choice(FORMATS), Restart,
            "How to log: text for people, or one JSON object a line for programs.";
        log_lines_per_s: log.rates.kind, Count, Live,
            "Lines of one kind in a second, such as joined. The rest is counted, and told in one line. Lines for debugging \
             are not counted. 0 bounds nothing.";
        log_origin_lines_per_s: log.rates.origin, Count, Live,
            "The same for the lines about one address.";
    }
    "Users and names" {
        reserved_names: server.reserved_names, List("NAME"), Live,
            "Names that nobody gets. Nobody gets a name that looks like one of them, either.",
            flag = "reserve-name";
        sessions_max: server.limits.sessions_max, Count, Live,
            "Sessions, and so users. The server refuses more with hub_full.";
        sessions_of_origin_max: server.limits.sessions_of_origin_max, Count, Live,
            "The same of one address. Who comes back to a session is not refused for this.";
        sessions_of_user_max: server.limits.sessions_of_user_max, Count, Live,
            "Sessions of one user who has logged in, each on a device of its own. The server refuses more with \
             too_many_sessions.";
        registration_attempts_max: server.limits.registration_attempts_max, Count, Live,
            "Refusals on one connection before the server closes it.";
        handshake_time_max: server.limits.handshake_time_max, Time, Live,
            "How long a connection may have no name before the server closes it.";
        probe_time_max: server.limits.probe_time_max, Time, Live,
            "How long the holder of a name may be silent when somebody else asks for the name.";
        probes_per_s: server.limits.probe_rate.per_s, Count, Live,
            "Holders of names that one address may have looked after in this way in a second. The others have the time that \
             they have anyway. 0 bounds nothing.";
        probes_burst: server.limits.probe_rate.burst, Count, Live,
            "The same at once after a pause.";
    }
    "Log-in" {
        guests: log_in.guests, Choice(GUESTS), Live,
            "Who may have a name without a password. yes: everybody, but a name in the password_file needs its password. \
             reserved-only: the same, and who has a password for a name of reserved_names gets it. no: nobody.";
        password_file: log_in.password_file, Text("FILE"), Live,
            "A file with the hashes of passwords, which `chatcore-server password add NAME` writes. The server reads it \
             again with SIGHUP.";
        unix_users: log_in.unix_users, Choice(SWITCH), Live,
            "Whether users of this machine have their own names over a Unix socket, without a password, and get no other \
             names there. Guests do not get these names.";
        certificate_users: log_in.certificate_users, Choice(SWITCH), Live,
            "Whether a client that shows a certificate gets the name that is its subject without a password. It needs \
             tls_client_ca. A guest who has the name makes way.";
        log_in_threads: log_in.threads, Count, Restart,
            "Passwords that the server checks at a time. Each takes a thread, and the memory of its hash: 19 MiB.";
        origin_log_in_failures_max: log_in.origin_failures_max, Count, Live,
            "Wrong passwords from one address at once, for names that have not logged in from there. Beyond it, the server \
             lets one be tried in 10 s. It does not hold for uncounted_origins. For one name the server lets an address \
             try 5 at once, and then one in 60 s.";
        decision_time_max: server.limits.decision_time_max, Time, Live,
            "How long a client may wait until its password is checked.";
    }
    "Messages" {
        body_bytes_max: server.limits.body_bytes_max, Bytes, Restart,
            "Bytes of a message. The server rejects a longer one.";
        outbox_bytes_max: server.limits.outbox_bytes_max, Bytes, Restart,
            "Bytes that the server keeps for a user until it acknowledges them. Beyond it, the server rejects messages \
             from users with recipient_full, and the user misses messages of rooms.";
    }
    "Rooms and presence" {
        rooms_of_user_max: server.limits.rooms_of_user_max, Count, Restart,
            "Rooms that a user may be in. The server rejects a join beyond it.";
        rooms_max: server.limits.rooms_max, Count, Live,
            "Rooms in all. The server rejects a join beyond it with hub_rooms_full.";
        rooms_of_origin_max: server.limits.rooms_of_origin_max, Count, Live,
            "Rooms that the users of one address have opened. The server rejects a join that would open one more with \
             hub_rooms_full.";
        members_max: server.limits.members_max, Count, Live,
            "Members of a room. The server rejects a join beyond it with room_full.";
        members_of_origin_max: server.limits.members_of_origin_max, Count, Live,
            "The same of those from one address.";
        memberships_max: server.limits.memberships_max, Count, Live,
            "Memberships of all users in rooms. The server rejects a join beyond it with hub_rooms_full.";
        memberships_of_origin_max: server.limits.memberships_of_origin_max, Count, Live,
            "The same of the users of one address.";
        announced_members_max: server.limits.announced_members_max, Count, Live,
            "In a room with more members, the server does not tell them who joins and leaves.";
        watches_max: server.limits.watches_max, Count, Restart,
            "Names that one user may watch. The server rejects a watch beyond it.";
        hub_watches_max: server.limits.hub_watches_max, Count, Live,
            "Names that all users watch together. The server rejects a watch beyond it with hub_watches_full.";
        watches_of_origin_max: server.limits.watches_of_origin_max, Count, Live,
            "The same of the users of one address.";
        presence_time_min: server.limits.presence_time_min, Time, Live,
            "The time from one presence to the next about the same user.";
    }
    "Connections that break" {
        idle_time_max: server.limits.idle_time_max, Time, Restart,
            "How long a client may be silent. The server pings it after half of this, and closes the connection after all \
             of it.";
        stall_time_max: server.limits.stall_time_max, Time, Restart,
            "How long a user may acknowledge nothing while frames wait for that. After it, the session ends as a slow \
             consumer if the user has sent something else lately. If not, its connection counts as broken.";
        resume_time_max: server.limits.resume_time_max, Time, Restart,
            "How long a user whose connection broke keeps its name, its rooms and its messages. 0 ends its session at \
             once.";
        detached_max: server.limits.detached_max, Count, Live,
            "Users without a connection, in all. Beyond it, the server ends a session of the address that has most of them: \
             the one whose time is over first.";
        detached_of_origin_max: server.limits.detached_of_origin_max, Count, Live,
            "The same of one address.";
        flush_time_max: server.limits.flush_time_max, Time, Live,
            "How long the server may take to write out a closing connection, also when it stops.";
        linger_time_max: server.driver.linger_time_max, Time, Live,
            "How long the server then waits for the client to close the connection, too.";
        linger_bytes_max: server.driver.linger_bytes_max, Bytes, Live,
            "Bytes that the server throws away meanwhile. If the client sends more, the server drops the connection.";
    }
    "Memory" {
        memory_bytes_max: server.memory_bytes_max, Bytes, Live,
            "Bytes of memory. If the limits allow more, the server does not start.";
        buffer_bytes_max: server.limits.buffer_bytes_max, Bytes, Restart,
            "Bytes that the server keeps for all users together: what they have not acknowledged, and messages that are \
             not whole yet. When they are used up, the server takes the address that holds most, and ends the session \
             that holds most there.";
        origin_buffer_bytes_max: server.limits.origin_buffer_bytes_max, Bytes, Restart,
            "The share of that for one address. Beyond it, the server rejects messages for and from its users, and they \
             miss messages of rooms.";
    }
    "Connections" {
        connections_max: server.driver.connections_max, Count, Live,
            "Connections. More wait in the system's queue until one ends. If the system allows fewer open files, there are \
             fewer connections: the server tells how many when it starts.";
        connections_for_resumes: server.driver.connections_for_resumes, Count, Live,
            "The last of these, which are for users who come back to their sessions: at most an eighth. The server refuses \
             registrations there with hub_full, and closes connections without a name: those of the address or site of \
             IPv6 that has most of them, the oldest first.";
        connections_of_origin_max: server.driver.connections_of_origin_max, Count, Live,
            "Connections of one address, and at most half of all. The server turns away more with hub_full.";
        handshakes_of_origin_max: server.driver.handshakes_of_origin_max, Count, Live,
            "The same of those that have no name yet.";
        site_factor: server.driver.site_factor, Count, Live,
            "How many times these two bounds hold for a site of IPv6, which has many addresses, and so does each other \
             bound in number for one address but probes_per_s, its rate, and its share of the memory.";
        ipv6_origin_bits: server.driver.ipv6_origin_bits, Count, Restart,
            "Bits of an IPv6 address that count as one address: all limits for an address hold for this network. At most \
             64.";
        ipv6_site_bits: server.driver.ipv6_site_bits, Count, Restart,
            "Bits of an IPv6 address that make a site.";
        uncounted_origins: server.driver.uncounted_origins, List("NETWORK"), Live,
            "Networks like `10.0.0.0/8`, or addresses, that are not bounded in number: the limits for an address on \
             connections, sessions, rooms, memberships, watched names, users without a connection, probes and wrong \
             passwords do not hold for them, and they count for no site. Those on cost and memory hold. They are for \
             proxies, and for gateways that many users share. A network of IPv6 has at most ipv6_origin_bits. `none` for \
             none; Unix sockets are always among them, but for wrong passwords. Connections count, or do not, as when they \
             came. Members of rooms from an address that comes to be named here still count for its site, and one that is \
             named no more counts in no site, until it has nothing any more.",
            flag = "uncounted-origin";
    }
    "Rates" {
        session_cost_per_s: server.limits.session_rate.per_s, Cost, Restart,
            "The cost of one user's requests in a second. Beyond it, the server reads nothing from the user for a while, \
             and nothing is lost. 0 bounds nothing.";
        session_cost_burst: server.limits.session_rate.burst, Cost, Restart,
            "The cost of one user's requests at once after a pause.";
        origin_cost_per_s: server.limits.origin_rate.per_s, Cost, Live,
            "The cost of the requests and registrations of all users of one address in a second. Beyond it, the server \
             also refuses registrations with rate_limited. 0 bounds nothing.";
        origin_cost_burst: server.limits.origin_rate.burst, Cost, Live,
            "The cost of those at once after a pause.";
    }
    "The event loop" {
        turn_time: server.driver.turn_time, Time, Live,
            "The time by which the parts of a turn are measured: at most three quarters of it for reading, two fifths for \
             writing, one quarter for accepting, so 1.4 times this for a full turn. Users who send little come first in \
             each turn. At most 50 ms.";
        turn_bytes_max: server.driver.turn_bytes_max, Bytes, Live,
            "Bytes that the server reads from one connection before it serves others.";
        turn_accepts_max: server.driver.turn_accepts_max, Count, Live,
            "Connections that the server accepts in one turn.";
    }
}
