// Package numbering writes the numbers of documents by a pattern of the organisation's: INV-{YYYY}-{SEQ4} gives
// INV-2026-0007. The count begins anew in each month when the pattern names the month, in each year when it names the year
// alone, and never otherwise, so that no two periods write one number.
package numbering

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Default is the pattern of an organisation that has chosen none.
const Default Pattern = "INV-{YYYY}-{SEQ4}"

// Longest is how long a pattern may be.
const Longest = 40

// ErrPattern says that a text is no pattern: letters, digits, - / . and spaces, with {SEQ} or {SEQ1} to {SEQ9} once, and
// {YYYY}, {YY} and {MM} at most once each; a month only beside its year.
var ErrPattern = errors.New("numbering: not a pattern")

// Pattern says how numbers are written. One that came from Parse, or is Default, is well formed.
type Pattern string

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	if len(text) > Longest || text == "" || text != strings.TrimSpace(text) {
		return "", ErrPattern
	}
	seen := map[string]int{}
	for literal, place := range Pattern(text).parts() {
		if strings.ContainsFunc(literal, unwritten) {
			return "", ErrPattern
		}
		switch {
		case place == "":
		case place == "YYYY", place == "YY":
			seen["year"]++
		case place == "MM":
			seen["month"]++
		case place == "SEQ", len(place) == 4 && strings.HasPrefix(place, "SEQ") && place[3] >= '1' && place[3] <= '9':
			seen["count"]++
		default:
			return "", ErrPattern
		}
	}
	if seen["count"] != 1 || seen["year"] > 1 || seen["month"] > 1 || seen["month"] > seen["year"] {
		return "", ErrPattern
	}
	return Pattern(text), nil
}

// parts splits a pattern into literal texts, each with the name of the place after it, which is empty after the last. A
// brace that opens or closes nothing stays in the literal.
func (p Pattern) parts() iter.Seq2[string, string] {
	return func(yield func(literal, place string) bool) {
		rest := string(p)
		for {
			literal, inside, opened := strings.Cut(rest, "{")
			place, after, closed := strings.Cut(inside, "}")
			if !opened || !closed || place == "" {
				yield(rest, "")
				return
			}
			if !yield(literal, place) {
				return
			}
			rest = after
		}
	}
}

// unwritten says whether a character may not stand in a number.
func unwritten(r rune) bool {
	return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-/. ", r))
}

// Or is the pattern, or the default when it is empty.
func (p Pattern) Or() Pattern {
	if p == "" {
		return Default
	}
	return p
}

// Period names the count that a day belongs to: 2026-03, 2026, or all.
func (p Pattern) Period(day time.Time) string {
	switch {
	case strings.Contains(string(p), "{MM}"):
		return day.Format("2006-01")
	case strings.Contains(string(p), "{YY"):
		return day.Format("2006")
	}
	return "all"
}

// Write writes the number that a count has on a day. A count with more digits than the pattern has is written whole.
func (p Pattern) Write(day time.Time, count int64) string {
	var out strings.Builder
	for literal, place := range p.parts() {
		out.WriteString(literal)
		switch place {
		case "":
		case "YYYY":
			out.WriteString(day.Format("2006"))
		case "YY":
			out.WriteString(day.Format("06"))
		case "MM":
			out.WriteString(day.Format("01"))
		default:
			width, err := strconv.Atoi(strings.TrimPrefix(place, "SEQ"))
			if err != nil {
				width = 1 // {SEQ}
			}
			fmt.Fprintf(&out, "%0*d", width, count)
		}
	}
	return out.String()
}
