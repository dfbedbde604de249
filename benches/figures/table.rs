//! The figures of one or two runs, side by side: what differs between them is the noise of the machine.

use crate::figure::Figure;

/// Markdown, with a line for each figure.
pub fn table(runs: &[Vec<Figure>]) -> String {
    let titles: Vec<String> = (1..=runs.len()).map(|run| format!(" run {run} |")).collect();
    let head = format!("| what | bar |{} met |\n|---|---|{}---|\n", titles.concat(), "---|".repeat(runs.len()));
    let row = |(row, Figure { what, bar, .. }): (usize, &Figure)| {
        let same: Vec<&Figure> = runs.iter().map(|run| &run[row]).collect();
        let found: Vec<String> = same.iter().map(|figure| cell(figure)).collect();
        let met = match same.iter().filter(|figure| bar.is_met_by(figure.found)).count() {
            0 => "no",
            all if all == runs.len() => "yes",
            _ => "in one of the runs",
        };
        format!("| {what} | {bar} |{} {met} |\n", found.concat())
    };
    head + &runs[0].iter().enumerate().map(row).collect::<Vec<_>>().concat()
}

fn cell(Figure { found, bar, beside, .. }: &Figure) -> String {
    let found = bar.unit().write(*found);
    if beside.is_empty() { format!(" {found} |") } else { format!(" {found} ({beside}) |") }
}
