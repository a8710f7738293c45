package resend

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

// Links gives the links of a mail in order, each once: those of the HTML, then those that only the text has.
func Links(markup, text string) []string {
	links := []string{}
	add := func(link string) {
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	for _, m := range regexp.MustCompile(`(?i)href\s*=\s*("([^"]*)"|'([^']*)')`).FindAllStringSubmatch(markup, -1) {
		add(html.UnescapeString(m[2] + m[3]))
	}
	for _, link := range regexp.MustCompile(`https?://[^\s<>"']+`).FindAllString(text, -1) {
		add(strings.TrimRight(link, ".,;:!?)"))
	}
	return links
}
