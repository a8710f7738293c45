package password

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the list of common passwords
	"sort"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// common is the sorted first five bytes of the SHA-256 of each of the most common passwords in lower case.
// infra/tools/commonpasswords makes it and names its sources and their licences. By five bytes one word in 25 million that
// is on no list is taken for one that is.
//
//go:embed common.bin
var common []byte

const prefixLen = 5

// longest is how long an entry of the list may be, in bytes. What is longer is on no list, and is not hashed.
const longest = 66

// listed says whether a text in lower case is on the list.
func listed(text string) bool {
	if len(text) > longest {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	n := len(common) / prefixLen
	at := func(i int) []byte { return common[i*prefixLen : (i+1)*prefixLen] }
	i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), sum[:prefixLen]) >= 0 })
	return i < n && bytes.Equal(at(i), sum[:prefixLen])
}

// product is what this service is called, which many choose for its password.
const product = "pixeltrack"

// plain undoes the digits and signs that are written for letters. A one stands for several, or for itself: it is said
// which.
func plain(text string, one rune) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '0':
			return 'o'
		case '1':
			return one
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7':
			return 't'
		case '8':
			return 'b'
		case '9':
			return 'g'
		case '!':
			return 'i'
		}
		return r
	}, text)
}

// ones is what a one may stand for.
const ones = "li1"

// easy says whether a password, normalised and in lower case, is one that many people choose or a simple variant of one:
// written with digits for letters, followed by digits and signs, or over and over; or one made of the product's name
// or of what it is about, with little else.
func easy(folded string, about []string) bool {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.", r) {
			return -1
		}
		return r
	}, folded)
	names := named(about)
	for _, text := range []string{folded, bare} {
		if thin(text, names) || thin(plain(text, 'l'), names) || thin(plain(text, 'i'), names) {
			return true
		}
		long := false
		for stem := range stems(text) {
			if len(once(stem)) > longest { // what can be common of it is common of the first such as well
				if long {
					continue
				}
				long = true
			}
			if many(stem) {
				return true
			}
		}
	}
	return false
}

// many says whether a text, or the piece of which it is many, is on the list, with digits at its end or without and
// however its letters are written.
func many(text string) bool {
	if text == "" {
		return false
	}
	piece := once(text)
	for unit := piece; len(unit) <= min(len(text), 4*len(piece)); unit += piece {
		for stem := range stems(unit) {
			if len(stem) > longest {
				continue
			}
			if listed(stem) {
				return true
			}
			digits, _ := strings.CutPrefix(unit, stem) // that are none for letters
			for _, one := range ones {
				if word := plain(stem, one); listed(word) || listed(word+digits) {
					return true
				}
			}
		}
	}
	return false
}

// stems gives a text and all that is left of it when digits and signs are taken off its end, or off its beginning. Of a
// text without a letter only a row of digits that go up, go down or stay is taken off.
func stems(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield(text) {
			return
		}
		letters := strings.ContainsFunc(text, unicode.IsLetter)
		runes := []rune(text)
		if !letters {
			runes = []rune(strings.TrimRightFunc(text, func(r rune) bool { return !unicode.IsDigit(r) }))
			if !yield(string(runes)) {
				return
			}
		}
		for i := len(runes); i > 1 && !unicode.IsLetter(runes[i-1]); i-- {
			if (letters || row(runes[i-1:])) && !yield(string(runes[:i-1])) {
				return
			}
		}
		if lead := strings.TrimLeftFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }); letters && lead != text {
			yield(strings.TrimRightFunc(lead, func(r rune) bool { return !unicode.IsLetter(r) }))
		}
	}
}

// row says whether each of some runes is as far from the one before, by at most one, nine being before zero.
func row(runes []rune) bool {
	for i := 2; i < len(runes); i++ {
		if step(runes[i-1], runes[i]) != step(runes[i-2], runes[i-1]) {
			return false
		}
	}
	if len(runes) < 2 {
		return true
	}
	s := step(runes[0], runes[1])
	return s == 0 || s == 1 || s == 9
}

func step(a, b rune) rune { return ((b-a)%10 + 10) % 10 }

// once is the piece of which a text is many, or the text.
func once(text string) string {
	if text == "" {
		return ""
	}
	if i := strings.Index((text + text)[1:], text); i >= 0 {
		return text[:i+1]
	}
	return text
}

// named lists what a password must not be made of: the product's name, and the words of at least four characters in
// names and addresses.
func named(about []string) []string {
	names := []string{product}
	for _, a := range about {
		for _, word := range strings.FieldsFunc(strings.ToLower(norm.NFKC.String(a)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len([]rune(word)) >= 4 {
				names = append(names, word)
			}
		}
	}
	return names
}

// enough is how many letters and digits besides names make a password that is not made of them.
const enough = 8

// thin says whether a text has a name in it and, without all names and what stands on the list, not enough else.
func thin(text string, names []string) bool {
	rest := text
	for _, n := range names {
		rest = strings.ReplaceAll(rest, n, " ")
	}
	if rest == text {
		return false
	}
	left, count := "", 0
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if listed(word) || strings.TrimFunc(word, unicode.IsDigit) == "" {
			continue
		}
		if !strings.Contains(left, word) {
			left += word + " "
			count += len([]rune(word))
		}
	}
	return count < enough
}
