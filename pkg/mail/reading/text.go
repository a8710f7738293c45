// Package reading makes sense of a mail that came in: what its sender wrote, whether a person wrote it, and whether it is
// from whom it says.
package reading

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"pixeltrack.io/platform/pkg/mail"
)

// MaxText is how many characters of a mail are kept.
const MaxText = 20_000

// maxSource is how many bytes of a mail's text or HTML are looked at.
const maxSource = 1 << 20

// deepest is how deeply HTML may be nested; what lies deeper is left out.
const deepest = 200

// Cut ends a text that was too long.
const Cut = "[…]"

// Text is what the sender wrote: the mail's text, or what its HTML says, without what it quotes of the mail that it
// answers, and at most MaxText characters of it. A mail that is nothing but quotes is kept whole.
func Text(m *mail.Received) string {
	text := clean(limit(m.Text))
	if strings.TrimSpace(text) == "" {
		text = clean(FromHTML(limit(m.HTML)))
	}
	if own := Unquoted(text); own != "" {
		text = own
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > MaxText {
		text = strings.TrimSpace(string([]rune(text)[:MaxText-len([]rune(Cut))-1])) + " " + Cut
	}
	return text
}

// Subject is a mail's subject in one line of at most most characters, without the Re: and Fwd: before it.
func Subject(text string, most int) string {
	text = strings.TrimSpace(mail.OneLine(clean(limit(text))))
	for {
		prefix, rest, ok := strings.Cut(text, ":")
		switch strings.ToLower(strings.TrimSpace(prefix)) {
		case "re", "fw", "fwd", "aw", "wg", "antw", "sv", "tr", "rv":
		default:
			ok = false
		}
		if !ok {
			break
		}
		text = strings.TrimSpace(rest)
	}
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most]))
	}
	return text
}

func limit(text string) string {
	if len(text) > maxSource {
		text = text[:maxSource]
	}
	return strings.ToValidUTF8(text, "")
}

// clean takes carriage returns and what nobody can see out of a text, the tab and the line break excepted.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d') {
			return -1
		}
		return r
	}, text)
}

// FromHTML gives the text of HTML as a reader sees it: blocks in lines of their own, items with a dash, a link with where it
// leads behind it, and nothing of scripts, styles and the head.
func FromHTML(source string) string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return "" // only a reader's error, and this one has none
	}
	var w writer
	w.node(root, 0)
	return strings.TrimSpace(w.b.String())
}

// writer writes text with at most one empty line between blocks.
type writer struct {
	b      strings.Builder
	breaks int // line breaks that are owed before the next word
	space  bool
}

func (w *writer) node(n *html.Node, depth int) {
	if depth > deepest {
		return
	}
	switch n.Type {
	case html.TextNode:
		w.text(n.Data)
		return
	case html.ElementNode:
		switch n.DataAtom {
		case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Svg, atom.Select, atom.Textarea:
			return
		case atom.Br:
			w.breaks = min(w.breaks+1, 2)
			return
		case atom.Td, atom.Th:
			w.space = true
		}
	}
	gap := gaps(n)
	w.gap(gap)
	if n.DataAtom == atom.Li {
		w.word("-")
		w.space = true
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c, depth+1)
	}
	if n.DataAtom == atom.A {
		w.link(n)
	}
	w.gap(gap)
}

// gaps is how many line breaks stand around an element at least.
func gaps(n *html.Node) int {
	switch n.DataAtom {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Ul, atom.Ol, atom.Table, atom.Pre, atom.Hr:
		return 2
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Main, atom.Address, atom.Dl, atom.Dt, atom.Dd, atom.Fieldset, atom.Form, atom.Li:
		return 1
	}
	return 0
}

func (w *writer) gap(n int) { w.breaks = max(w.breaks, n) }

func (w *writer) text(data string) {
	for i, word := range strings.FieldsFunc(data, blank) {
		if i > 0 || blankAt(data, true) {
			w.space = true
		}
		w.word(word)
	}
	if blankAt(data, false) {
		w.space = true
	}
}

func blank(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' || r == '\u00a0'
}

// blankAt says whether a text begins or ends with a blank.
func blankAt(text string, begin bool) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	if begin {
		r, _ = utf8.DecodeRuneInString(text)
	}
	return blank(r)
}

func (w *writer) word(word string) {
	switch {
	case w.b.Len() == 0:
	case w.breaks > 0:
		w.b.WriteString(strings.Repeat("\n", w.breaks))
	case w.space:
		w.b.WriteByte(' ')
	}
	w.breaks, w.space = 0, false
	w.b.WriteString(word)
}

// link adds where a link leads, unless it says so itself.
func (w *writer) link(n *html.Node) {
	for _, a := range n.Attr {
		if a.Key != "href" || !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "http://") || strings.HasSuffix(w.b.String(), a.Val) {
			continue
		}
		w.space = true
		w.word("<" + a.Val + ">")
	}
}
