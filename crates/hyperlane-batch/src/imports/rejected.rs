//! What is wrong with a record.

/// The most faults of one record that its report keeps.
const MAX_FAULTS: usize = 8;

/// The longest reason that is kept, in characters: a fault may quote what it found.
const MAX_REASON: usize = 300;

/// Why a record was not written: one reason or several, each of a field or of the record as a whole.
///
/// At most 8 reasons of 300 characters are kept.
///
/// ```
/// use hyperlane_batch::imports::Rejected;
///
/// let rejected = Rejected::field("age", "is over 150").and("email", "has no @");
/// assert_eq!(rejected.to_string(), "age: is over 150; email: has no @");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) field: String,
    pub(super) reason: String,
}

impl Rejected {
    /// Something is wrong with the record as a whole.
    pub fn new(reason: impl Into<String>) -> Self {
        Self::field("", reason)
    }

    /// Something is wrong with a field.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { faults: Vec::new() }.and(field, reason)
    }

    /// And with this field too.
    #[must_use]
    pub fn and(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                field: short(&field.into()),
                reason: short(&reason.into()),
            });
        }
        self
    }

    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// Cut, and without the zero bytes that PostgreSQL takes in no text.
fn short(text: &str) -> String {
    let mut kept: String = text.chars().filter(|char| *char != '\0').take(MAX_REASON).collect();
    if kept.len() < text.len() && kept.chars().count() == MAX_REASON {
        kept.push('…');
    }
    kept
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Fault { field, reason }) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            if !field.is_empty() {
                write!(f, "{field}: ")?;
            }
            f.write_str(reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

#[cfg(feature = "garde")]
impl From<garde::Report> for Rejected {
    fn from(report: garde::Report) -> Self {
        let mut rejected = Self { faults: Vec::new() };
        for (path, error) in report.iter() {
            rejected = rejected.and(path.to_string(), error.to_string());
        }
        rejected
    }
}
