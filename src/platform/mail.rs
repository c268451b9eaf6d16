//! Mail by SMTP. To be called outside any transaction: a mail server may take its time.
use std::time::{Duration, SystemTime};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::types::At;

/// How long each answer of the mail server is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the settings say of mail.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `smtp://user:password@host:587`, or `smtps://`.
    pub url: Option<SecretString>,
    /// Who is told of alerts: one address, or several with commas between them.
    pub to: Option<String>,
    pub from: Option<String>,
}

/// One mail, plain text.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The same for the same mail, also when it is sent a second time: the reader's program can then tell.
    pub id: String,
    pub subject: String,
    pub text: String,
    pub at: At,
}

/// Why a mail did not go.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server will not take it as it is: a setting is wrong.
    #[error("the mail server refused: {0}")]
    Refused(String),
    /// Later may be better.
    #[error("the mail server cannot be reached: {0}")]
    Unreachable(String),
}

/// Sends mail to those whom the settings name.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Mailboxes,
}

impl Mailer {
    /// The mailer of the settings; `None` where no mail server is set.
    ///
    /// # Errors
    ///
    /// The text says which setting is wrong.
    pub fn of(config: &Config) -> Result<Option<Mailer>, String> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let setting = |name: &str, value: &Option<String>| {
            let missing = || format!("SMTP_URL is set and {name} is not: set both or neither");
            value.clone().ok_or_else(missing)
        };
        let to = setting("ALERT_MAIL_TO", &config.to)?;
        let from = setting("MAIL_FROM", &config.from)?;
        let to: Mailboxes = to
            .parse()
            .map_err(|error| format!("ALERT_MAIL_TO holds no addresses: {error}"))?;
        let from: Mailbox = from
            .parse()
            .map_err(|error| format!("MAIL_FROM is no address: {error}"))?;
        let url = address(url.expose_secret())?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_unsaid| "SMTP_URL cannot be used: see the README for its forms".to_owned())?
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(PATIENCE))
            .build();
        Ok(Some(Mailer {
            transport,
            from,
            to,
        }))
    }

    /// Sends one mail; returns when the server has taken it.
    ///
    /// # Errors
    ///
    /// See [`MailError`].
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let micros = u64::try_from(mail.at.0).unwrap_or(0);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(mail.subject.as_str())
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        for to in self.to.iter() {
            message = message.to(to.clone());
        }
        let message = message
            .body(mail.text.clone())
            .map_err(|error| MailError::Refused(error.to_string()))?;
        match self.transport.send(message).await {
            Ok(_taken) => Ok(()),
            Err(error) if error.is_permanent() || error.is_client() => {
                Err(MailError::Refused(error.to_string()))
            }
            Err(error) => Err(MailError::Unreachable(error.to_string())),
        }
    }
}

/// The address with encryption asked for, unless the server is this machine or `?tls=none` says otherwise: a
/// password must not travel in the open because nobody thought of it.
fn address(url: &str) -> Result<Url, String> {
    let wrong = || "SMTP_URL is not of the form smtp://user:password@host:587".to_owned();
    let mut url = Url::parse(url).map_err(|_unsaid| wrong())?;
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // Only web addresses have their numbers read by the parser.
        Some(Host::Domain(name)) => name == "localhost" || name == "127.0.0.1",
        None => return Err(wrong()),
    };
    let wish = url.query_pairs().find(|(name, _)| name == "tls");
    match wish.map(|(_, value)| value.into_owned()).as_deref() {
        Some("none") => url.set_query(None),
        Some(_) => {}
        None if url.scheme() == "smtp" && !is_local => url.set_query(Some("tls=required")),
        None => {}
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_asked_for_unless_somebody_decided_otherwise() {
        for (given, used) in [
            (
                "smtp://u:p@mail.example.com:587",
                "smtp://u:p@mail.example.com:587?tls=required",
            ),
            (
                "smtp://mail.example.com?tls=none",
                "smtp://mail.example.com",
            ),
            (
                "smtp://mail.example.com?tls=opportunistic",
                "smtp://mail.example.com?tls=opportunistic",
            ),
            ("smtps://mail.example.com", "smtps://mail.example.com"),
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525"),
            ("smtp://localhost", "smtp://localhost"),
        ] {
            assert_eq!(address(given).map(String::from).as_deref(), Ok(used));
        }
        assert!(address("mail.example.com").is_err());
    }

    #[test]
    fn a_half_set_up_says_what_is_missing_and_never_the_password() {
        let config = |url: &str, to: Option<&str>| Config {
            url: Some(url.to_owned().into()),
            to: to.map(str::to_owned),
            from: Some("counterfoil@example.com".to_owned()),
        };
        let said = |config: &Config| Mailer::of(config).expect_err("something is wrong");
        let without = said(&config("smtp://u:secret@mail.example.com", None));
        assert!(without.contains("ALERT_MAIL_TO"), "{without}");
        let odd = said(&config(
            "http://u:secret@mail.example.com",
            Some("a@b.example"),
        ));
        assert!(odd.contains("SMTP_URL") && !odd.contains("secret"), "{odd}");
        assert!(Mailer::of(&Config::default()).is_ok_and(|none| none.is_none()));
    }
}
