//! The load: signed webhooks over connections that are kept, each sent when the one before it is answered, or at
//! a steady rate whether the answers come or not. Ids and signatures are made before the clock starts.
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::timing::Times;
use crate::{Problem, Result};

/// An order of three lines with its customer, addresses and taxes, 8 kB.
const TEMPLATE: &str = include_str!("order.json");
/// What is not counted at most.
const WARM_UP: Duration = Duration::from_millis(500);
/// The sender gives up after that, as Shopify does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who is asked, and for whom.
#[derive(Clone)]
pub(crate) struct Target {
    /// `http://127.0.0.1:8080`
    pub(crate) url: String,
    pub(crate) shop: &'static str,
    pub(crate) secret: &'static str,
}

/// How it is sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// So many connections, each as fast as it is answered.
    Eager { connections: usize },
    /// So many a second, over enough connections.
    Steady { per_second: u32 },
}

/// What came of it.
pub(crate) struct Sent {
    /// Answered with 2xx after the warm-up.
    pub(crate) acknowledged: u64,
    pub(crate) took: Duration,
    /// From the moment each was due to the last byte of its answer.
    pub(crate) times: Times,
}

impl Sent {
    pub(crate) fn per_second(&self) -> u128 {
        u128::from(self.acknowledged) * 1_000_000 / self.took.as_micros().max(1)
    }
}

/// Webhooks that are ready to be sent: of orders that nobody saw before.
pub(crate) struct Load {
    target: Target,
    address: SocketAddr,
    /// The body between its numbers, and which number follows.
    parts: Vec<(&'static str, Option<Number>)>,
    first: u64,
    signatures: Vec<String>,
}

#[derive(Clone, Copy)]
enum Number {
    Order,
    Shown,
    Line(u64),
}

impl Load {
    /// `count` orders beginning with number `first`.
    pub(crate) fn new(target: Target, first: u64, count: u64) -> Result<Load> {
        let address = target.url.trim_start_matches("http://").parse();
        let address = address.map_err(|error| Problem::Told(format!("{}: {error}", target.url)))?;
        let mut load = Load {
            target,
            address,
            parts: parts()?,
            first,
            signatures: Vec::new(),
        };
        let key = Hmac::<Sha256>::new_from_slice(load.target.secret.as_bytes())?;
        let mut body = String::new();
        for number in first..first + count {
            load.body(number, &mut body);
            let mut mac = key.clone();
            mac.update(body.as_bytes());
            load.signatures
                .push(STANDARD.encode(mac.finalize().into_bytes()));
        }
        Ok(load)
    }

    /// Sends for so long, or until all are sent; the first tenth of the time is not counted, at most half a second.
    pub(crate) fn send(self, pace: Pace, lasting: Duration) -> Result<Sent> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let connections = match pace {
            Pace::Eager { connections } => connections,
            Pace::Steady { .. } => 64,
        };
        let run = Rc::new(Run {
            load: self,
            pace,
            begun: Instant::now(),
            warm_up: (lasting / 10).min(WARM_UP),
            lasting,
            next: RefCell::new(0),
        });
        let local = LocalSet::new();
        let times = local.block_on(&runtime, async {
            let senders: Vec<_> = (0..connections)
                .map(|_| tokio::task::spawn_local(run.clone().connection()))
                .collect();
            let mut times = Vec::new();
            for sender in senders {
                times.extend(sender.await??);
            }
            Ok::<_, Problem>(times)
        })?;
        Ok(Sent {
            acknowledged: u64::try_from(times.len())?,
            took: run.begun.elapsed().saturating_sub(run.warm_up),
            times: Times::new(times),
        })
    }

    fn body(&self, number: u64, body: &mut String) {
        body.clear();
        for (text, then) in &self.parts {
            body.push_str(text);
            match then {
                Some(Number::Order) => body.push_str(&(7_000_000_000_000 + number).to_string()),
                Some(Number::Shown) => body.push_str(&number.to_string()),
                Some(Number::Line(place)) => {
                    body.push_str(&(80_000_000_000_000 + number * 10 + place).to_string());
                }
                None => {}
            }
        }
    }
}

/// One going over the load.
struct Run {
    load: Load,
    pace: Pace,
    begun: Instant,
    warm_up: Duration,
    lasting: Duration,
    next: RefCell<usize>,
}

impl Run {
    async fn connection(self: Rc<Run>) -> Result<Vec<Duration>> {
        let mut stream = TcpStream::connect(self.load.address).await?;
        stream.set_nodelay(true)?;
        let (mut request, mut body, mut answer) = (Vec::new(), String::new(), Vec::new());
        let mut times = Vec::new();
        while let Some((index, due)) = self.turn() {
            // The timer is a millisecond late: who is due now must not ask it.
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
            self.request(index, &mut request, &mut body)?;
            let talk = async {
                stream.write_all(&request).await?;
                status(&mut stream, &mut answer).await
            };
            let status = tokio::time::timeout(PATIENCE, talk)
                .await
                .map_err(|_late| Problem::Told("no answer within 5 s".to_owned()))??;
            if status != 200 {
                return Err(Problem::Told(format!("a webhook was answered {status}")));
            }
            if due > self.begun + self.warm_up {
                times.push(due.elapsed());
            }
        }
        Ok(times)
    }

    /// The next one, and when it is due.
    fn turn(&self) -> Option<(usize, Instant)> {
        let mut next = self.next.borrow_mut();
        let index = *next;
        let due = match self.pace {
            Pace::Eager { .. } => Instant::now(),
            Pace::Steady { per_second } => {
                let turn = u32::try_from(index).ok()?;
                self.begun + Duration::from_secs(1) * turn / per_second
            }
        };
        let is_over = due > self.begun + self.lasting || index == self.load.signatures.len();
        if is_over {
            return None;
        }
        *next += 1;
        Some((index, due))
    }

    fn request(&self, index: usize, request: &mut Vec<u8>, body: &mut String) -> Result<()> {
        use std::io::Write as _;
        let number = self.load.first + u64::try_from(index)?;
        self.load.body(number, body);
        request.clear();
        write!(
            request,
            "POST /api/integrations/webhook/shopify HTTP/1.1\r\n\
             Host: {}\r\n\
             User-Agent: Shopify-Captain-Hook\r\n\
             Content-Type: application/json\r\n\
             X-Shopify-Topic: orders/create\r\n\
             X-Shopify-API-Version: 2026-10\r\n\
             X-Shopify-Shop-Domain: {}\r\n\
             X-Shopify-Webhook-Id: 5e0b3a5c-0000-4000-8000-{number:012x}\r\n\
             X-Shopify-Event-Id: 9a1c0d2e-0000-4000-8000-{number:012x}\r\n\
             X-Shopify-Triggered-At: 2026-11-01T12:00:00.000000000Z\r\n\
             X-Shopify-Hmac-Sha256: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.load.address,
            self.load.target.shop,
            self.load.signatures[index],
            body.len()
        )?;
        Ok(())
    }
}

/// Reads one answer whole; both receivers say its length.
async fn status(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16> {
    answer.clear();
    let broken = || Problem::Told("an answer that is none".to_owned());
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(Problem::Told("the connection was closed".to_owned()));
        }
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.ok_or_else(broken)?.trim().parse()?;
        if answer.len() >= end + 4 + length {
            return code.ok_or_else(broken);
        }
    }
}

fn parts() -> Result<Vec<(&'static str, Option<Number>)>> {
    let mut parts = Vec::new();
    let mut pieces = TEMPLATE.split("@@");
    while let Some(text) = pieces.next() {
        let then = match pieces.next() {
            None => None,
            Some("ID") => Some(Number::Order),
            Some("NUM") => Some(Number::Shown),
            Some(name) => match name.strip_prefix("LINE") {
                Some(place) => Some(Number::Line(place.parse()?)),
                None => return Err(Problem::Told(format!("order.json holds @@{name}@@"))),
            },
        };
        parts.push((text, then));
    }
    Ok(parts)
}
