//! A mail server for stories: it speaks SMTP over a socket and refuses what a real one refuses.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const USER: &str = "counterfoil";
const PASSWORD: &str = "correct-horse";
/// The one domain that it takes mail for.
const OURS: &str = "@warehouse.example";
/// Octets of a line, without its end (RFC 5321, 4.5.3.1.6).
const LONGEST_LINE: usize = 998;

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Letter {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The server; it listens until the test's process ends.
pub(crate) struct MailServer {
    port: u16,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl MailServer {
    pub(crate) fn start() -> Self {
        Self::at(free_port())
    }

    /// At a port where nobody listens yet.
    pub(crate) fn at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let letters = Arc::<Mutex<Vec<Letter>>>::default();
        let taken = Arc::clone(&letters);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                // A client that hangs up ends its own conversation alone.
                thread::spawn(move || {
                    drop(Conversation::new(client, taken).and_then(Conversation::hold))
                });
            }
        });
        Self { port, letters }
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.letters.lock().expect("no panic").clone()
    }

    pub(crate) fn url(&self) -> String {
        url(self.port, PASSWORD)
    }
}

/// The setting for a server at this port, with this password.
pub(crate) fn url(port: u16, password: &str) -> String {
    format!("smtp://{USER}:{password}@127.0.0.1:{port}")
}

/// The password that the server knows.
pub(crate) fn right_password() -> &'static str {
    PASSWORD
}

/// A port where nobody listens.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").port()
}

/// One connection, and how far it has come.
struct Conversation {
    lines: BufReader<TcpStream>,
    answers: TcpStream,
    taken: Arc<Mutex<Vec<Letter>>>,
    greeted: bool,
    trusted: bool,
    eight_bit: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Conversation {
    fn new(client: TcpStream, taken: Arc<Mutex<Vec<Letter>>>) -> std::io::Result<Self> {
        Ok(Self {
            lines: BufReader::new(client.try_clone()?),
            answers: client,
            taken,
            greeted: false,
            trusted: false,
            eight_bit: false,
            from: None,
            to: Vec::new(),
        })
    }

    fn hold(mut self) -> std::io::Result<()> {
        self.say("220 warehouse.example ESMTP")?;
        loop {
            let Some(line) = self.hear()? else {
                return Ok(());
            };
            let text = String::from_utf8_lossy(&line).into_owned();
            let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" if rest.trim().is_empty() => "501 who are you?",
                "EHLO" => {
                    self.greeted = true;
                    self.forget();
                    "250-warehouse.example\r\n250-8BITMIME\r\n250-SIZE 100000\r\n250 AUTH PLAIN"
                }
                "AUTH" => self.check(rest),
                "MAIL" => self.begin(rest),
                "RCPT" => self.address(rest),
                "DATA" => self.take()?,
                "RSET" => {
                    self.forget();
                    "250 forgotten"
                }
                "NOOP" => "250 still here",
                "QUIT" => {
                    self.say("221 goodbye")?;
                    return Ok(());
                }
                _ => "502 not that",
            };
            self.say(answer)?;
        }
    }

    fn check(&mut self, rest: &str) -> &'static str {
        if !self.greeted {
            return "503 say EHLO first";
        }
        let Some(proof) = rest.strip_prefix("PLAIN ") else {
            return "504 PLAIN, with its proof on the line";
        };
        let right = STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
        self.trusted = proof.trim() == right;
        if self.trusted {
            "235 welcome"
        } else {
            "535 5.7.8 wrong name or password"
        }
    }

    fn begin(&mut self, rest: &str) -> &'static str {
        if !self.greeted {
            return "503 say EHLO first";
        }
        if !self.trusted {
            return "530 5.7.0 sign in first";
        }
        if self.from.is_some() {
            return "503 one mail at a time";
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return "501 MAIL FROM:<address>";
        };
        for parameter in parameters.split_whitespace() {
            match parameter {
                "BODY=8BITMIME" => self.eight_bit = true,
                "BODY=7BIT" => {}
                _ if parameter.starts_with("SIZE=") => {}
                _ => return "555 what does that mean?",
            }
        }
        self.from = Some(from);
        "250 from whom"
    }

    fn address(&mut self, rest: &str) -> &'static str {
        if self.from.is_none() {
            return "503 say MAIL first";
        }
        match path(rest, "TO:") {
            Some((to, _)) if to.ends_with(OURS) => {
                self.to.push(to);
                "250 to whom"
            }
            Some(_) => "550 5.1.1 nobody of that name here",
            None => "501 RCPT TO:<address>",
        }
    }

    fn take(&mut self) -> std::io::Result<&'static str> {
        if self.to.is_empty() {
            return Ok("503 say RCPT first");
        }
        self.say("354 go on, and end with a dot")?;
        let mut text = Vec::new();
        let mut fault = None;
        loop {
            let Some(line) = self.hear()? else {
                return Ok("");
            };
            if line == b"." {
                break;
            }
            if line.len() > LONGEST_LINE {
                fault = Some("554 5.6.0 a line is too long");
            }
            if line.contains(&b'\n') || line.contains(&b'\r') {
                fault = Some("554 5.6.0 a line ends with CR and LF");
            }
            if !line.is_ascii() && !self.eight_bit {
                fault = Some("554 5.6.1 eight bits were not announced");
            }
            // A dot at the beginning was doubled on its way.
            text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            text.push(b'\n');
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut letter = Letter {
            from: self.from.clone().unwrap_or_default(),
            to: self.to.clone(),
            head: head.to_owned(),
            body: body.to_owned(),
        };
        if letter.header("Content-Transfer-Encoding") == Some("quoted-printable") {
            letter.body = readable(body);
        }
        for needed in ["From", "To", "Date", "Message-ID", "Subject"] {
            if letter.header(needed).is_none() {
                fault = Some("550 5.7.1 a header is missing");
            }
        }
        self.forget();
        if let Some(fault) = fault {
            return Ok(fault);
        }
        self.taken.lock().expect("no panic").push(letter);
        Ok("250 taken")
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
        self.eight_bit = false;
    }

    /// A line without its CRLF; none where the client hung up. One that ends otherwise keeps its end.
    fn hear(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
        }
        Ok(Some(line))
    }

    fn say(&mut self, answer: &str) -> std::io::Result<()> {
        write!(self.answers, "{answer}\r\n")
    }
}

/// As a reader's program shows it: `=3D` is an equals sign, `=` at a line's end joins two lines.
fn readable(quoted: &str) -> String {
    let joined = quoted.replace("=\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address between the angle brackets, and what stands behind them.
fn path<'a>(rest: &'a str, begins: &str) -> Option<(String, &'a str)> {
    let head = rest.get(..begins.len())?;
    let rest = rest.get(begins.len()..)?.trim_start().strip_prefix('<')?;
    let (address, parameters) = rest.split_once('>')?;
    let is_it = head.eq_ignore_ascii_case(begins) && address.contains('@');
    is_it.then(|| (address.to_owned(), parameters))
}
