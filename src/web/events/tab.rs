//! The tabs of the events screen: which states each lists, and what it says when it is empty.
use crate::platform::queue::Status;

crate::text_enum! {
    /// A tab of the list.
    Tab {
        Open = "open",
        Failed = "failed",
        Retrying = "retrying",
        Working = "working",
        Pending = "pending",
        Waiting = "waiting",
        Done = "done",
        /// Stands under Done.
        Superseded = "superseded",
        Discarded = "discarded",
        Rejected = "rejected",
    }
}

impl Tab {
    pub(super) fn label(self) -> &'static str {
        match self {
            Tab::Open => "Open",
            Tab::Failed => "Failed",
            Tab::Retrying => "Retrying",
            Tab::Working => "Working",
            Tab::Pending => "Pending",
            Tab::Waiting => "Waiting",
            Tab::Done => "Done",
            Tab::Superseded => "Superseded",
            Tab::Discarded => "Discarded",
            Tab::Rejected => "Rejected",
        }
    }

    pub(super) fn statuses(self) -> (&'static [Status], Option<bool>) {
        match self {
            Tab::Open => (
                &[
                    Status::Dead,
                    Status::Pending,
                    Status::Working,
                    Status::Waiting,
                ],
                None,
            ),
            Tab::Failed => (&[Status::Dead], None),
            Tab::Retrying => (&[Status::Pending], Some(true)),
            Tab::Working => (&[Status::Working], None),
            Tab::Pending => (&[Status::Pending], Some(false)),
            Tab::Waiting => (&[Status::Waiting], None),
            Tab::Done => (&[Status::Done], None),
            Tab::Superseded => (&[Status::Superseded], None),
            Tab::Discarded => (&[Status::Discarded], None),
            Tab::Rejected => (&[], None),
        }
    }

    /// What an empty list says.
    pub(super) fn nothing(self) -> (&'static str, &'static str) {
        match self {
            Tab::Open => ("Nothing open", ""),
            Tab::Failed => (
                "Nothing failed",
                "What cannot be done waits here for a person, with its reason.",
            ),
            Tab::Retrying => (
                "Nothing is retried",
                "What failed for now is listed here until its next try.",
            ),
            Tab::Working => ("Nothing is worked on", "It is quiet at the moment."),
            Tab::Pending => ("Nothing is pending", "What comes in is done at once."),
            Tab::Waiting => (
                "Nothing waits",
                "What waits for a cause is listed here and goes on by itself once the cause is mended.",
            ),
            Tab::Done => ("Nothing done yet", "What is done is listed here."),
            Tab::Superseded => (
                "Nothing was superseded",
                "Where a newer state of the same record came first, the older one is listed here.",
            ),
            Tab::Discarded => (
                "Nothing was discarded",
                "What somebody set aside is listed here, with the reason.",
            ),
            Tab::Rejected => (
                "Nothing rejected",
                "A delivery whose signature does not fit would be listed here.",
            ),
        }
    }
}
