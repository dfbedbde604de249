//! The figures of one or two runs, side by side: what differs between them is the noise of the machine.

use crate::figure::Figure;

/// Markdown, with a line for each figure.
pub fn table(runs: &[Vec<Figure>]) -> String {
    let titles: String = (1..=runs.len()).map(|run| format!(" run {run} |")).collect();
    let mut text = format!("| what | bar |{titles} met |\n|---|---|{}---|\n", "---|".repeat(runs.len()));
    for (row, Figure { what, bar, .. }) in runs[0].iter().enumerate() {
        let same: Vec<&Figure> = runs.iter().map(|run| &run[row]).collect();
        let found: String = same.iter().map(|figure| cell(figure)).collect();
        let met = match same.iter().filter(|figure| bar.is_met_by(figure.found)).count() {
            0 => "no",
            all if all == runs.len() => "yes",
            _ => "in one of the runs",
        };
        text += &format!("| {what} | {bar} |{found} {met} |\n");
    }
    text
}

fn cell(Figure { found, bar, beside, .. }: &Figure) -> String {
    let found = bar.unit().write(*found);
    if beside.is_empty() { format!(" {found} |") } else { format!(" {found} ({beside}) |") }
}
