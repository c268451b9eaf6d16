//! Reads the file of a bulk operation as it comes: a record's row and the rows of its lists behind it, one record at a
//! time, however long the file is. Says after which byte the last whole record ended, so that a download that broke off
//! goes on there.
use crate::shopify::client::{FileBody, ShopifyError};
use crate::shopify::orders::rows::Row;

/// No order comes near this, nor does anything else.
const LARGEST_RECORD: usize = 32 * 1024 * 1024;

/// A record's rows.
pub(crate) struct Group {
    /// Its own.
    pub(crate) record: Row,
    pub(crate) children: Vec<Row>,
    /// Where the next record begins.
    pub(super) end: u64,
}

/// A file while it is read.
pub(super) struct Groups {
    body: FileBody,
    /// What was read and not yet cut into lines.
    rest: Vec<u8>,
    is_over: bool,
    /// Where the line that comes next begins.
    at: u64,
    pending: Option<(Row, Vec<Row>)>,
    /// Bytes of the pending record.
    size: usize,
}

impl Groups {
    /// Goes on at a byte where a record begins.
    pub(super) fn new(body: FileBody, from: u64) -> Groups {
        Groups {
            body,
            rest: Vec::new(),
            is_over: false,
            at: from,
            pending: None,
            size: 0,
        }
    }

    /// The next record; `None` behind the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Group>, ShopifyError> {
        loop {
            let begin = self.at;
            let Some(line) = self.line().await? else {
                return Ok(self.take(begin));
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let row = Row::read(&line)
                .map_err(|wrong| ShopifyError::Unexpected(format!("byte {begin}: {wrong}")))?;
            if let Some(group) = self.keep(row, line.len(), begin)? {
                return Ok(Some(group));
            }
        }
    }

    /// Takes in a row; gives the record before where this is the next one.
    fn keep(&mut self, row: Row, size: usize, begin: u64) -> Result<Option<Group>, ShopifyError> {
        let Some(parent) = &row.parent else {
            let before = self.take(begin);
            (self.pending, self.size) = (Some((row, Vec::new())), size);
            return Ok(before);
        };
        self.size += size;
        match &mut self.pending {
            Some((record, children))
                if record.id() == Some(parent.as_str()) && self.size <= LARGEST_RECORD =>
            {
                children.push(row);
                Ok(None)
            }
            // We ask for children behind their record; a file that is otherwise cannot be read in little memory.
            Some(_) | None => Err(ShopifyError::Unexpected(format!(
                "byte {begin}: a line does not stand behind its record"
            ))),
        }
    }

    fn take(&mut self, end: u64) -> Option<Group> {
        let (record, children) = self.pending.take()?;
        Some(Group {
            record,
            children,
            end,
        })
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, ShopifyError> {
        let mut looked = 0;
        loop {
            let unread = self.rest.get(looked..).unwrap_or_default();
            if let Some(place) = unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.rest.drain(..=looked + place).collect();
                self.pass(line.len());
                line.pop();
                return Ok(Some(line));
            }
            looked = self.rest.len();
            if self.is_over {
                let line = std::mem::take(&mut self.rest);
                self.pass(line.len());
                return Ok((!line.is_empty()).then_some(line));
            }
            if looked > LARGEST_RECORD {
                return Err(ShopifyError::Unexpected("a line does not end".to_owned()));
            }
            match self.body.next().await? {
                Some(bytes) => self.rest.extend_from_slice(&bytes),
                None => self.is_over = true,
            }
        }
    }

    fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(u64::try_from(bytes).unwrap_or(0));
    }
}
