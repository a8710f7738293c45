package reading

import (
	"regexp"
	"strings"

	"pixeltrack.io/platform/pkg/mail"
)

// Unquoted is a text without what it quotes of an earlier mail: what follows our own line, a line by which mail programs
// begin a quote, and lines that begin with >. A signature after its mark goes too. It is empty when nothing is left.
func Unquoted(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if begins(lines, i) {
			lines = lines[:i]
			break
		}
		if strings.HasPrefix(strings.TrimSpace(line), ">") {
			lines[i] = quoted
		}
	}
	var kept []string
	for _, line := range lines {
		if line != quoted {
			kept = append(kept, strings.TrimRight(line, " \t"))
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// quoted stands for a line that is quoted. No line of a text that was split at line breaks is equal to it.
const quoted = "\n"

var (
	introduction = regexp.MustCompile(`^(On|Am|Le|El|Il|Op|Den|W dniu|Em|På)\s.{4,300}(wrote|schrieb|écrit|escribió|ha scritto|schreef|skrev|napisał|napisał\(a\)|escreveu)\b.{0,200}:\s*$`)
	original     = regexp.MustCompile(`(?i)^[-_*\s]{2,}(original message|ursprüngliche nachricht|forwarded message|message d'origine|mensaje original|messaggio originale)[-_*\s]{2,}$`)
	header       = regexp.MustCompile(`(?i)^\*?(from|von|de|da|van)\s?:\*?\s.*(@|\[mailto).*$`)
	sent         = regexp.MustCompile(`(?i)^\*?(sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden)\s?:\*?\s`)
)

// begins says whether a quote begins at a line.
func begins(lines []string, i int) bool {
	line := strings.TrimSpace(lines[i])
	if len(line) > 600 {
		return false
	}
	next := ""
	if i+1 < len(lines) {
		next = strings.TrimSpace(lines[i+1])
	}
	switch {
	case line == "":
		return false
	case strings.Contains(line, mail.Above):
		return true
	case lines[i] == "-- ", line == "--" && i > 0: // a signature
		return true
	case introduction.MatchString(line), len(next) < 300 && introduction.MatchString(line+" "+next): // it may be broken in two
		return true
	case original.MatchString(line):
		return true
	}
	return header.MatchString(line) && sent.MatchString(next)
}
