//! What every path shows in a view of an image: merged, up to a layer, or one layer alone.
//!
//! Of its own because reading, extracting and whoever shows a tree must agree on it. What hides what was decided when the
//! layers were merged; a view leaves layers out of that.

use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId, normalise};

/// Which tree of an image is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What a container of the image sees.
    Merged,
    /// What a container of its layers up to this one would see.
    UpTo(usize),
    /// What this layer holds, without what it hides. A hard link to a file below it has that file's content.
    Layer(usize),
}

/// Whether a symlink at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// As open(2) does: inside the root of the merged image, and nowhere else.
    Symlinks,
    /// As lstat(2) does. Symlinks on the way are followed all the same.
    Nothing,
}

/// What every path shows in a view.
pub struct Sight<'a> {
    map: &'a ContentMap,
    view: View,
    /// By node; the map itself knows what is merged.
    table: Option<Vec<Visible>>,
}

impl<'a> Sight<'a> {
    /// Looks at an image. A layer that it does not have shows nothing. Costs a look at every entry but for the merged
    /// view.
    pub fn new(map: &'a ContentMap, view: View) -> Self {
        let table = match view {
            View::Merged => None,
            View::UpTo(layer) => Some(up_to(map, layer)),
            View::Layer(layer) => Some(alone(map, layer)),
        };
        Self { map, view, table }
    }

    /// The view.
    pub fn view(&self) -> View {
        self.view
    }

    /// What a path shows.
    pub fn at(&self, node: NodeId) -> Visible {
        match &self.table {
            None => self.map.visible(node),
            Some(table) => table[node.index()],
        }
    }

    /// What a path that shows something is; of a hard link what it is a name of.
    pub fn kind(&self, node: NodeId) -> Option<Kind> {
        match self.at(node) {
            Visible::Nothing => None,
            Visible::Implied => Some(Kind::Directory),
            Visible::Entry(id) => Some(self.map.entry(self.map.inode(id)?).kind),
        }
    }

    /// Where a path as a person writes it leads; `None` where it shows nothing.
    ///
    /// In a view of layers the path is taken as it is first, then with the symlinks of the merged image.
    pub fn find(&self, path: &[u8], follow: Follow) -> Option<NodeId> {
        let is_shown = |node: &NodeId| self.at(*node) != Visible::Nothing;
        let literal = || {
            let mut normal = Vec::new();
            normalise(path, &mut normal);
            self.map.tree().find(&normal).filter(is_shown)
        };
        let led = || match follow {
            Follow::Symlinks => self.map.resolve(path),
            Follow::Nothing => self.map.locate(path),
        };
        match self.view {
            View::Merged => led().filter(is_shown),
            View::UpTo(_) | View::Layer(_) => literal().or_else(|| led().filter(is_shown)),
        }
    }

    /// The inode whose content a path shows, where it shows an entry.
    pub fn inode(&self, node: NodeId) -> Option<EntryId> {
        match self.at(node) {
            Visible::Entry(id) => self.map.inode(id),
            Visible::Nothing | Visible::Implied => None,
        }
    }
}

fn up_to(map: &ContentMap, layer: usize) -> Vec<Visible> {
    let mut table = vec![Visible::Nothing; map.tree().len()];
    for at in (0..map.layer_count()).take_while(|&at| at <= layer) {
        for id in map.layer_entries(at).filter(|&id| map.is_shown_after(layer, id)) {
            table[map.entry(id).node.index()] = Visible::Entry(id);
        }
    }
    for span in map.implied_spans() {
        if usize::from(span.from) <= layer && layer < usize::from(span.until) {
            table[span.node.index()] = Visible::Implied;
        }
    }
    table
}

fn alone(map: &ContentMap, layer: usize) -> Vec<Visible> {
    let mut table = vec![Visible::Nothing; map.tree().len()];
    if layer >= map.layer_count() {
        return table;
    }
    table[NodeId::ROOT.index()] = Visible::Implied;
    for id in map
        .layer_entries(layer)
        .filter(|&id| map.is_shown_after(layer, id))
    {
        let node = map.entry(id).node;
        table[node.index()] = Visible::Entry(id);
        let mut at = map.tree().parent(node);
        while let Some(parent) = at.filter(|parent| table[parent.index()] == Visible::Nothing) {
            table[parent.index()] = Visible::Implied;
            at = map.tree().parent(parent);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::testing::Made;
    use super::*;

    fn paths(sight: &Sight<'_>, map: &ContentMap) -> Vec<String> {
        let shown = map
            .tree()
            .ids()
            .filter(|&node| sight.at(node) != Visible::Nothing);
        let mut paths: Vec<String> = shown
            .map(|node| String::from_utf8(map.tree().path(node)).unwrap())
            .collect();
        paths.sort();
        paths
    }

    #[test]
    fn every_view_shows_its_own_tree() {
        let made = Made::new(&["d/a=one d/b=two", ".wh.d e/c=three", "d/z=four l->e"]);
        let map = &made.map;
        for (view, want) in [
            (View::Merged, &["", "d", "d/z", "e", "e/c", "l"][..]),
            (View::UpTo(2), &["", "d", "d/z", "e", "e/c", "l"]),
            (View::UpTo(0), &["", "d", "d/a", "d/b"]),
            (View::UpTo(1), &["", "e", "e/c"]),
            (View::Layer(0), &["", "d", "d/a", "d/b"]),
            (View::Layer(1), &["", "e", "e/c"]),
            (View::Layer(2), &["", "d", "d/z", "l"]),
            (View::Layer(3), &[]),
        ] {
            assert_eq!(paths(&Sight::new(map, view), map), want, "{view:?}");
        }
    }

    #[test]
    fn paths_are_found_as_a_process_would() {
        let made = Made::new(&["d/a=one", "l->d m->l", ".wh.d"]);
        let map = &made.map;
        let find = |view, path: &str, follow| {
            let found = Sight::new(map, view).find(path.as_bytes(), follow)?;
            Some(String::from_utf8(map.tree().path(found)).unwrap())
        };
        let found = |path: &str| Some(path.to_owned());
        assert_eq!(find(View::Merged, "/l", Follow::Nothing), found("l"));
        assert_eq!(find(View::Merged, "/l", Follow::Symlinks), None, "it dangles");
        assert_eq!(find(View::Merged, "d/a", Follow::Symlinks), None);
        assert_eq!(find(View::UpTo(1), "./d//a", Follow::Symlinks), found("d/a"));
        assert_eq!(
            find(View::Layer(1), "/m", Follow::Symlinks),
            found("m"),
            "as it is"
        );
        assert_eq!(find(View::Layer(0), "/../d/a", Follow::Nothing), found("d/a"));
    }
}
