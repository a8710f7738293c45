package mail

import (
	"html"
	"strings"
)

// Link is the one thing that a mail asks to be done.
type Link struct {
	Label string // Confirm your address
	URL   string
}

// Above is the line that mails begin with which can be answered, so that an answer can be told from what it quotes in any
// language.
const Above = "— Please write your reply above this line —"

// footer closes every mail.
const footer = "PixelTrack"

// Render lays a mail out, as text and as HTML that says the same. A link without URL is left out. All texts are plain:
// what comes from people cannot become markup.
func Render(subject string, paragraphs []string, link Link) (text, markup string) {
	return renderText(paragraphs, link), renderHTML(subject, paragraphs, link)
}

func renderText(paragraphs []string, link Link) string {
	var b strings.Builder
	for _, p := range paragraphs {
		b.WriteString(p + "\n\n")
	}
	if link.URL != "" {
		b.WriteString(link.Label + ":\n" + link.URL + "\n\n")
	}
	b.WriteString("-- \n" + footer + "\n")
	return b.String()
}

func renderHTML(subject string, paragraphs []string, link Link) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>" + html.EscapeString(subject) + "</title></head>\n")
	b.WriteString("<body style=\"font-family:sans-serif;max-width:36em;margin:2em auto;line-height:1.5\">\n")
	for _, p := range paragraphs {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(p), "\n", "<br>\n") + "</p>\n")
	}
	if link.URL != "" {
		b.WriteString("<p><a href=\"" + html.EscapeString(link.URL) + "\">" + html.EscapeString(link.Label) + "</a></p>\n")
	}
	b.WriteString("<p style=\"color:#666\">" + footer + "</p>\n</body>\n</html>\n")
	return b.String()
}

// OneLine makes a text fit for a subject: line breaks and other control characters become spaces.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == ' ' || r == 0x2028 || r == 0x2029 }), " ")
}
