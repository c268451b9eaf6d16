//! By what somebody is recognised: an e-mail address or a phone number in its one spelling.

/// The longest e-mail address there can be.
const LONGEST_EMAIL: usize = 254;
/// As many digits as a phone number has.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

/// Trimmed and in lower case: what two spellings of one address have in common.
#[must_use]
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// An e-mail address by which somebody can be recognised; what cannot be one is none.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let email = normal_email(text);
    let (name, host) = email.rsplit_once('@')?;
    let is_one = !name.is_empty() && !host.is_empty() && email.len() <= LONGEST_EMAIL;
    is_one.then_some(email)
}

/// A phone number by which somebody can be recognised: its digits, and the plus sign in front. `None`: it is no number.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let phone = text.trim();
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    if phone.chars().any(char::is_alphabetic) || !PHONE_DIGITS.contains(&digits.len()) {
        return None;
    }
    Some(match digits.strip_prefix("00") {
        Some(rest) if !phone.starts_with('+') => format!("+{rest}"),
        Some(_) | None if phone.starts_with('+') => format!("+{digits}"),
        Some(_) | None => digits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_and_no_address_is_nobodys() {
        assert_eq!(phone("+1 (734) 555-0199"), Some("+17345550199".to_owned()));
        assert_eq!(phone("0049 30 123456"), Some("+4930123456".to_owned()));
        assert_eq!(phone("030 123456"), Some("030123456".to_owned()));
        for none in ["", "call me", "12", "+", "555-0199 ext", "1234567890123456"] {
            assert_eq!(phone(none), None, "{none}");
        }
        assert_eq!(
            email(" Ada@Example.com "),
            Some("ada@example.com".to_owned())
        );
        let long = format!("{}@example.com", "a".repeat(300));
        for none in ["", "ada", "@example.com", "ada@", long.as_str()] {
            assert_eq!(email(none), None, "{none}");
        }
    }
}
