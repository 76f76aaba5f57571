//! Keeps rows.
use std::collections::{hash_map::Entry, HashMap as Map};
use crate::net::*;
use super::errors::StoreError;
pub use self::rows::Row;

mod rows;

/// How many rows fit.
pub const MAX_ROWS: usize = 1024;
static NAME: &str = "store";

pub type Result<T> = std::result::Result<T, StoreError>;

/// A table.
///
/// Not thread safe.
#[derive(Debug, Clone)]
pub struct Table<K, V>
where
    K: Eq,
{
    rows: Map<K, V>,
}

pub enum Order {
    Asc,
    Desc,
}

pub trait Source {
    /// Reads one row.
    fn read(&self, id: u64) -> Option<Row>;
    fn close(&mut self) {
        drop(self);
    }
}

impl<K: Eq, V> Table<K, V> {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: Map::new() }
    }
}

impl<K, V> Source for Table<K, V> {
    fn read(&self, id: u64) -> Option<Row> {
        self.rows.get(&id).map(Row::from)
    }
}

macro_rules! row {
    ($id:expr) => { Row::new($id) };
}

mod tests {
    #[test]
    fn reads() {
        assert_eq!(super::helper::<u8>(1), 1);
    }
}

pub async unsafe fn open(path: &Path) -> Result<Table<u64, Row>> {
    todo!()
}
