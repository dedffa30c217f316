//! The table `budget` of a `slim.toml`, and the same in flags.
//!
//! A module of its own because the form of the file is a contract (`docs/check.md`). It reads that table and nothing else
//! of the file: the rest is a profile, which `profile` reads.

use toml::de::DeTable;

use super::BudgetError;
use super::rule::{Allow, Budgets, Limit, Measure, PackageName, Rule, Step};
use super::value::{Source, Value, size};
use crate::profile::{Catalog, Pattern, Place, nearest};

/// The table's name; profiles let it be called either.
const TABLE: [&str; 2] = ["budget", "budgets"];
/// The keys of the table that take one value.
const SCALARS: [&str; 8] = [
    "max-wire",
    "max-disk",
    "max-layers",
    "max-growth",
    "max-wire-growth",
    "max-shadowed",
    "max-reclaimable",
    "max-removable",
];
/// Its other keys: tables and lists.
const TABLES: [&str; 4] = ["category", "path", "packages", "allow"];

impl Budgets {
    /// The budgets of a `slim.toml`; `None` where it has no table `budget`. `file` is what errors call it, `text` its
    /// content; categories must be in the catalog.
    pub fn of_file(file: &str, text: &str, catalog: &Catalog) -> Result<Option<Self>, BudgetError> {
        let table = DeTable::parse(text).map_err(|error| BudgetError::Syntax {
            place: Place::in_text(file, text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let top = Value::entries_of(Source { file, text }, table.get_ref(), "");
        let Some((_, budget)) = top.iter().find(|(key, _)| TABLE.contains(key)) else {
            return Ok(None);
        };
        let mut budgets = Self {
            files: vec![file.to_owned()],
            ..Self::default()
        };
        for (key, value) in budget.table()? {
            match key {
                "category" => budgets.categories(&value, catalog)?,
                "path" => budgets.paths(&value)?,
                "packages" => budgets.packages(&value)?,
                "allow" => budgets.allow(&value)?,
                key if SCALARS.contains(&key) => budgets.scalar(key, &value)?,
                key => return Err(value.unknown(key, &[&SCALARS[..], &TABLES].concat())),
            }
        }
        budgets.check_allows()?;
        Ok(Some(budgets))
    }

    /// Sets one budget as a flag gives it: `NAME=LIMIT`, in place of the one of that name. A growth may be a list with commas.
    pub fn set(&mut self, flag: &str, text: &str, catalog: &Catalog) -> Result<(), BudgetError> {
        let place = Place::flag(flag);
        let refused = |reason: &str| BudgetError::Value {
            place: place.clone(),
            key: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (name, limit) = text
            .rsplit_once('=')
            .ok_or_else(|| refused("it must be NAME=LIMIT, as in max-disk=\"300 MB\""))?;
        let (name, limit) = (name.trim(), limit.trim());
        self.rules.retain(|rule| rule.name != name);
        if let Some(category) = name.strip_prefix("category.") {
            known_category(category, &place, catalog)?;
            let limit = Limit::Category {
                name: category.to_owned(),
                max: size(limit, name, &place)?,
            };
            return self.push(name, place, limit);
        }
        if let Some(glob) = name.strip_prefix("path.") {
            let glob = Pattern::new(glob, place.clone())?;
            let max = size(limit, name, &place)?;
            return self.push(name, place, Limit::Path { glob, max });
        }
        if !SCALARS.contains(&name) {
            let known = SCALARS.iter().chain(&["category.NAME", "path.GLOB"]).copied();
            return Err(BudgetError::UnknownKey {
                place,
                key: name.to_owned(),
                nearest: nearest(name, known).map(str::to_owned),
            });
        }
        if name == "max-layers" {
            let count = limit
                .parse()
                .map_err(|_| refused("it must be a whole number from 0 on"))?;
            return self.push(name, place, Limit::Layers(count));
        }
        if let Some(measure) = measure(name) {
            for step in limit.split(',') {
                let step = step_of(step, name, &place)?;
                self.push(name, place.clone(), Limit::Growth(measure, step))?;
            }
            return Ok(());
        }
        let limit = sized(name, size(limit, name, &place)?);
        self.push(name, place, limit)
    }

    fn push(&mut self, name: &str, place: Place, limit: Limit) -> Result<(), BudgetError> {
        let name = name.to_owned();
        self.add(Rule { name, place, limit })
    }

    fn scalar(&mut self, key: &str, value: &Value<'_>) -> Result<(), BudgetError> {
        if let Some(measure) = measure(key) {
            for one in value.one_or_more() {
                let step = match one.text() {
                    Ok(text) => step_of(text, &one.key, &one.place)?,
                    Err(_) => Step::Bytes(one.size()?),
                };
                self.push(key, one.place.clone(), Limit::Growth(measure, step))?;
            }
            return Ok(());
        }
        let limit = match key {
            "max-layers" => Limit::Layers(value.count()?),
            key => sized(key, value.size()?),
        };
        self.push(key, value.place.clone(), limit)
    }

    fn categories(&mut self, table: &Value<'_>, catalog: &Catalog) -> Result<(), BudgetError> {
        for (name, value) in table.table()? {
            known_category(name, &value.place, catalog)?;
            let limit = Limit::Category {
                name: name.to_owned(),
                max: value.size()?,
            };
            self.push(&format!("category.{name}"), value.place, limit)?;
        }
        Ok(())
    }

    fn paths(&mut self, rows: &Value<'_>) -> Result<(), BudgetError> {
        for row in rows.array()? {
            let (mut glob, mut max) = (None, None);
            for (key, value) in row.table()? {
                match key {
                    "glob" => glob = Some(Pattern::new(value.text()?, value.place.clone())?),
                    "max" => max = Some(value.size()?),
                    key => return Err(value.unknown(key, &["glob", "max"])),
                }
            }
            let glob = glob.ok_or_else(|| missing(&row, "glob", "the paths that are summed up"))?;
            let max = max.ok_or_else(|| missing(&row, "max", "what they may weigh"))?;
            let rule = Rule {
                name: format!("path.{}", glob.as_str()),
                place: glob.place().clone(),
                limit: Limit::Path { glob, max },
            };
            self.add(rule)?;
        }
        Ok(())
    }

    fn packages(&mut self, table: &Value<'_>) -> Result<(), BudgetError> {
        for (key, list) in table.table()? {
            if key != "deny" {
                return Err(list.unknown(key, &["deny"]));
            }
            for word in list.array()? {
                let text = word.text()?;
                let name = PackageName::new(text).ok_or_else(|| {
                    word.refused(format!(
                        "`{text}` is no package; write NAME or KIND:NAME, as in deb:curl"
                    ))
                })?;
                let rule = Rule {
                    name: format!("package.{text}"),
                    place: word.place.clone(),
                    limit: Limit::Package(name),
                };
                self.add(rule)?;
            }
        }
        Ok(())
    }

    fn allow(&mut self, rows: &Value<'_>) -> Result<(), BudgetError> {
        const KEYS: [&str; 3] = ["budget", "reason", "until"];
        for row in rows.array()? {
            let (mut budget, mut reason, mut until) = (None, None, None);
            for (key, value) in row.table()? {
                match key {
                    "budget" => budget = Some((value.text()?, value.place.clone())),
                    "reason" => reason = Some(value.text()?.trim()).filter(|reason| !reason.is_empty()),
                    "until" => until = Some(value.day()?),
                    key => return Err(value.unknown(key, &KEYS)),
                }
            }
            let (budget, place) =
                budget.ok_or_else(|| missing(&row, "budget", "the name of the budget that is allowed"))?;
            let reason = reason
                .ok_or_else(|| missing(&row, "reason", "why it is allowed, for those who come later"))?;
            self.allows.push(Allow {
                budget: budget.to_owned(),
                reason: reason.to_owned(),
                until: until.ok_or_else(|| missing(&row, "until", "the last day on which it is allowed"))?,
                place,
            });
        }
        Ok(())
    }
}

fn missing(row: &Value<'_>, key: &'static str, why: &'static str) -> BudgetError {
    BudgetError::MissingKey {
        place: row.place.clone(),
        key,
        why,
    }
}

/// What a key limits by a size.
fn sized(key: &str, bytes: u64) -> Limit {
    match key {
        "max-wire" => Limit::Wire(bytes),
        "max-shadowed" => Limit::Shadowed(bytes),
        "max-reclaimable" => Limit::Reclaimable(bytes),
        "max-removable" => Limit::Removable(bytes),
        _ => Limit::Disk(bytes),
    }
}

/// What a key lets grow.
fn measure(key: &str) -> Option<Measure> {
    match key {
        "max-growth" => Some(Measure::Disk),
        "max-wire-growth" => Some(Measure::Wire),
        _ => None,
    }
}

/// `5 MB`, or `3 %`.
fn step_of(text: &str, key: &str, place: &Place) -> Result<Step, BudgetError> {
    let Some(number) = text.trim().strip_suffix('%') else {
        return size(text, key, place).map(Step::Bytes);
    };
    let percent: Option<f64> = number.trim().parse().ok();
    let percent = percent.filter(|percent| percent.is_finite() && *percent >= 0.0);
    percent.map(Step::Percent).ok_or_else(|| BudgetError::Value {
        place: place.clone(),
        key: key.to_owned(),
        reason: format!("`{text}` is no share; write 3 % or 0.5 %, or a size such as 5 MB"),
    })
}

fn known_category(name: &str, place: &Place, catalog: &Catalog) -> Result<(), BudgetError> {
    if catalog.find(name).is_some() {
        return Ok(());
    }
    let names = catalog.iter().map(|(_, category)| category.name.as_str());
    Err(BudgetError::UnknownCategory {
        place: place.clone(),
        name: name.to_owned(),
        nearest: nearest(name, names).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Budgets>, BudgetError> {
        Budgets::of_file("slim.toml", text, &Catalog::builtin().unwrap())
    }

    fn names(budgets: &Budgets) -> Vec<&str> {
        budgets.rules().iter().map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn a_whole_file_is_read_in_its_order() {
        let budgets = read(
            "remove = [\"headers\"]\n[budget]\nmax-disk = \"900 MB\"\nmax-wire = 300_000_000\nmax-layers = 12\nmax-growth = [\"5 MB\", \"3 %\"]\n\
             [budget.category]\npip-cache = \"1 MB\"\napt-cache = 0\n[[budget.path]]\nglob = \"/app/**\"\nmax = \"100 MB\"\n\
             [budget.packages]\ndeny = [\"gcc\", \"deb:curl\"]\n\
             [[budget.allow]]\nbudget = \"category.apt-cache\"\nreason = \"moving to a mirror\"\nuntil = 2026-12-31\n",
        );
        let budgets = budgets.unwrap().unwrap();
        assert_eq!(
            names(&budgets),
            [
                "max-disk",
                "max-wire",
                "max-layers",
                "max-growth",
                "max-growth",
                "category.pip-cache",
                "category.apt-cache",
                "path./app/**",
                "package.gcc",
                "package.deb:curl"
            ]
        );
        assert_eq!(budgets.rules()[6].place.to_string(), "slim.toml:9");
        let allow = budgets.allowed("category.apt-cache").unwrap();
        assert_eq!(
            (allow.reason.as_str(), allow.until.to_string().as_str()),
            ("moving to a mirror", "2026-12-31")
        );
        assert!(
            read("remove = [\"headers\"]").unwrap().is_none(),
            "a profile without a budget"
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, want) in [
            ("[budget\n", "slim.toml:1: "),
            (
                "[budget]\nmax-disc = 1\n",
                "slim.toml:2: unknown key `budget.max-disc`; did you mean `max-disk`?",
            ),
            (
                "[budget]\n\nmax-disk = \"300 Mo\"\n",
                "slim.toml:3: `budget.max-disk`: `300 Mo` is no size; write 300 MB",
            ),
            (
                "[budget]\nmax-disk = -1\n",
                "slim.toml:2: `budget.max-disk`: it must be a whole number from 0 on, not this number",
            ),
            (
                "[budget]\nmax-layers = \"12\"\n",
                "slim.toml:2: `budget.max-layers`: it must be a whole number from 0 on, not a text",
            ),
            (
                "[budget]\nmax-growth = \"x %\"\n",
                "slim.toml:2: `budget.max-growth`: `x %` is no share",
            ),
            (
                "[budget]\nmax-growth = [\"1 %\", \"2 %\"]\n",
                "slim.toml:2: the budget `max-growth` is already set at slim.toml:2",
            ),
            (
                "[budget.category]\napt-cahce = 0\n",
                "slim.toml:2: unknown category `apt-cahce`; did you mean `apt-cache`?",
            ),
            (
                "[[budget.path]]\nglob = \"app\"\nmax = 1\n",
                "slim.toml:2: glob `app`: must begin with `/`",
            ),
            (
                "[[budget.path]]\nglob = \"/app\"\n",
                "slim.toml:1: `max` is missing: what they may weigh",
            ),
            (
                "[budget.packages]\ndeny = [\"deb:\"]\n",
                "slim.toml:2: `budget.packages.deny`: `deb:` is no package",
            ),
            (
                "[budget]\nmax-disk = 1\n[[budget.allow]]\nbudget = \"max-disk\"\nuntil = 2026-12-31\n",
                "slim.toml:3: `reason` is missing",
            ),
            (
                "[budget]\nmax-disk = 1\n[[budget.allow]]\nbudget = \"max-disk\"\nreason = \" \"\nuntil = 2026-12-31\n",
                "slim.toml:3: `reason` is missing",
            ),
            (
                "[budget]\nmax-disk = 1\n[[budget.allow]]\nbudget = \"max-disk\"\nreason = \"r\"\n",
                "slim.toml:3: `until` is missing",
            ),
            (
                "[budget]\nmax-disk = 1\n[[budget.allow]]\nbudget = \"max-disk\"\nreason = \"r\"\nuntil = \"soon\"\n",
                "slim.toml:6: `budget.allow.until`: it must be a day",
            ),
            (
                "[budget]\nmax-disk = 1\n[[budget.allow]]\nbudget = \"max-dsk\"\nreason = \"r\"\nuntil = 2026-12-31\n",
                "slim.toml:4: there is no budget `max-dsk` to allow; did you mean `max-disk`?",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text}\n{error}");
        }
    }

    #[test]
    fn a_flag_stands_in_place_of_the_file() {
        let catalog = Catalog::builtin().unwrap();
        let mut budgets = read("[budget]\nmax-disk = 1\nmax-layers = 3\nmax-growth = 1\n")
            .unwrap()
            .unwrap();
        for text in [
            "max-disk=2 kB",
            "max-growth=5 MB, 3 %",
            "category.apt-cache=0",
            "path./a=b=1",
            "path./a/**=1",
        ] {
            budgets.set("--budget", text, &catalog).unwrap();
        }
        assert_eq!(
            names(&budgets),
            [
                "max-layers",
                "max-disk",
                "max-growth",
                "max-growth",
                "category.apt-cache",
                "path./a=b",
                "path./a/**"
            ]
        );
        for (text, want) in [
            ("max-disk", "--budget: `max-disk`: it must be NAME=LIMIT"),
            (
                "max-dsik=1",
                "--budget: unknown key `max-dsik`; did you mean `max-disk`?",
            ),
            (
                "max-layers=x",
                "--budget: `max-layers=x`: it must be a whole number from 0 on",
            ),
            ("category.x=1", "--budget: unknown category `x`"),
        ] {
            let error = budgets.set("--budget", text, &catalog).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
