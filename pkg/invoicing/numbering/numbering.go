// Package numbering writes the numbers of documents by a pattern of the organisation's: INV-{YYYY}-{SEQ4} gives
// INV-2026-0007. The count begins anew in each month when the pattern names the month, in each year when it names the year
// alone, and never otherwise, so that no two periods write one number.
package numbering

import (
	"errors"
	"fmt"
	"regexp"
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

var (
	shape = regexp.MustCompile(`^(?:[A-Za-z0-9/. -]|\{(?:YYYY|YY|MM|SEQ[1-9]?)\})+$`)
	place = regexp.MustCompile(`\{[A-Z]+[1-9]?\}`)
)

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	if len(text) > Longest || !shape.MatchString(text) || text != strings.TrimSpace(text) {
		return "", ErrPattern
	}
	seen := map[string]int{}
	for _, p := range place.FindAllString(text, -1) {
		if strings.HasPrefix(p, "{SEQ") {
			p = "{SEQ}"
		}
		seen[p]++
	}
	years := seen["{YYYY}"] + seen["{YY}"]
	if seen["{SEQ}"] != 1 || years > 1 || seen["{MM}"] > 1 || seen["{MM}"] == 1 && years == 0 {
		return "", ErrPattern
	}
	return Pattern(text), nil
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
	return place.ReplaceAllStringFunc(string(p), func(at string) string {
		switch at {
		case "{YYYY}":
			return day.Format("2006")
		case "{YY}":
			return day.Format("06")
		case "{MM}":
			return day.Format("01")
		}
		width, err := strconv.Atoi(strings.Trim(at, "{}SEQ"))
		if err != nil {
			width = 1 // {SEQ}
		}
		return fmt.Sprintf("%0*d", width, count)
	})
}
