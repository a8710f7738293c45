// Package policy holds the versions of the privacy policy that the program begins with; those after them are published by
// people and lie in the table. A published version is immutable; a change is a new version with its own date, and whoever
// agreed to a version can be shown the exact bytes of it.
package policy

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"time"
)

// MediaType is the type of a version's text.
const MediaType = "text/markdown; charset=utf-8"

// Version is one published version of the policy.
type Version struct {
	Number    int
	Effective time.Time // midnight UTC of the day it took or takes effect
	Material  bool      // a change that people are told of before it takes effect (section 12)
	Summary   string    // what changed against the version before
	Text      []byte    // Markdown, exactly as served; nil where it was not read
	Hash      string    // of the text, where it was not read
}

// SHA256 is the hash of the exact bytes served, in hexadecimal.
func (v Version) SHA256() string {
	if v.Text == nil {
		return v.Hash
	}
	sum := sha256.Sum256(v.Text)
	return hex.EncodeToString(sum[:])
}

//go:embed texts/*.md
var texts embed.FS

// Versions lists the versions of the program, oldest first.
func Versions() []Version {
	return []Version{
		{Number: 1, Effective: day(2026, time.January, 1), Material: true, Summary: "The first version.", Text: text(1)},
	}
}

// Of finds a version by its number, false when there is none.
func Of(number int) (Version, bool) {
	for _, v := range Versions() {
		if v.Number == number {
			return v, true
		}
	}
	return Version{}, false
}

// InEffect is the version of the program that counts at a time: the newest whose date has come, or the first before any
// has.
func InEffect(at time.Time) Version {
	all := Versions()
	current := all[0]
	for _, v := range all {
		if !v.Effective.After(at) {
			current = v
		}
	}
	return current
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

func text(number int) []byte {
	b, err := texts.ReadFile(fmt.Sprintf("texts/v%d.md", number))
	if err != nil {
		panic(fmt.Sprintf("policy: version %d: %v", number, err)) // the texts are part of the program
	}
	return b
}
