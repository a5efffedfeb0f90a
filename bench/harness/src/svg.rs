//! Pictures: elements with colours that suit light and dark pages.

use std::fmt::{Arguments, Write};

/// A picture in the making.
#[derive(Debug)]
pub(crate) struct Picture {
    text: String,
}

/// Colours by class. `ours` stands out; `s0` to `s3` are series, of which `s0` is ours.
const STYLE: &str = "\
.page{fill:#ffffff}.ink{fill:#1c2128}.dim{fill:#57606a}.grid{stroke:#d0d7de}.axis{stroke:#8c959f}\
.ours{fill:#0969da}.peer{fill:#a8b3bf}.floor{fill:#d3dae1}.range{stroke:#1c2128}\
.s0{stroke:#0969da;fill:#0969da}.s1{stroke:#bf5700;fill:#bf5700}.s2{stroke:#1a7f37;fill:#1a7f37}\
.s3{stroke:#6e7781;fill:#6e7781}.line{fill:none}\
@media (prefers-color-scheme: dark){\
.page{fill:#0d1117}.ink{fill:#e6edf3}.dim{fill:#9198a1}.grid{stroke:#30363d}.axis{stroke:#6e7681}\
.ours{fill:#388bfd}.peer{fill:#59636e}.floor{fill:#343b44}.range{stroke:#e6edf3}\
.s0{stroke:#58a6ff;fill:#58a6ff}.s1{stroke:#f0883e;fill:#f0883e}.s2{stroke:#3fb950;fill:#3fb950}\
.s3{stroke:#9198a1;fill:#9198a1}.line{fill:none}}";

impl Picture {
    /// With its size in pixels and what it shows, for those who don't see it.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let title = escaped(title);
        Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
                 height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
                 <title>{title}</title>\n<style>{STYLE}</style>\n\
                 <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n"
            ),
        }
    }

    /// Attributes beside the place, such as `class="ink"`.
    pub(crate) fn text(&mut self, x: f64, y: f64, attributes: &str, content: &str) {
        let content = escaped(content);
        self.element(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>"
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), attributes: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.element(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {attributes}/>"
        ));
    }

    pub(crate) fn rect(&mut self, corner: (f64, f64), width: f64, height: f64, attributes: &str) {
        let (x, y) = corner;
        self.element(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {attributes}/>"
        ));
    }

    pub(crate) fn circle(&mut self, center: (f64, f64), radius: f64, attributes: &str) {
        let (x, y) = center;
        self.element(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" {attributes}/>"
        ));
    }

    /// A line through points.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], attributes: &str) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.element(format_args!("<polyline points=\"{points}\" {attributes}/>"));
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn element(&mut self, element: Arguments<'_>) {
        // Writing to a string can't fail.
        writeln!(self.text, "{element}").ok();
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut picture = Picture::new(10.0, 10.0, "a < b");
        picture.text(1.0, 2.0, "class=\"ink\"", "<b> & c");
        let picture = picture.finish();
        assert!(picture.contains("<title>a &lt; b</title>"));
        assert!(picture.contains("class=\"ink\">&lt;b&gt; &amp; c</text>"));
    }
}
