package password_test

import (
	_ "embed"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"pixeltrack.io/platform/pkg/auth/password"
)

// sample is 200 entries of the lists, drawn at random.
//
//go:embed testdata/sample.txt
var sample string

// long writes an entry as often as makes it long enough for a password.
func long(entry string) string {
	text := entry + entry
	for utf8.RuneCountInString(text) < password.Shortest {
		text += entry
	}
	return text
}

func TestCommonPasswordsAndTheirVariantsAreRefused(t *testing.T) {
	leet := strings.NewReplacer("a", "4", "e", "3", "o", "0", "s", "$", "t", "7")
	variants := map[string]func(string) string{
		"over and over":               long,
		"over and over, with spaces":  func(e string) string { return strings.TrimSpace(strings.Repeat(e+" ", 15)) },
		"in capitals":                 func(e string) string { return strings.ToUpper(long(e)) },
		"followed by digits":          func(e string) string { return e + "123456789012345" },
		"followed by digits and sign": func(e string) string { return long(e) + "1!" },
		"with digits for letters":     func(e string) string { return leet.Replace(long(e)) },
	}
	entries := strings.Fields(sample)
	if len(entries) != 200 {
		t.Fatalf("%d entries; want 200", len(entries))
	}
	for name, vary := range variants {
		for _, e := range entries {
			p := vary(e)
			if utf8.RuneCountInString(p) > password.Longest {
				continue
			}
			if got := password.Weak(p); got != password.Common {
				t.Errorf("%s: Weak(%q) = %q; want %q", name, p, got, password.Common)
			}
		}
	}
	for _, e := range entries {
		if password.WeakWithFactor(e) == "" {
			t.Errorf("WeakWithFactor(%q) = \"\"; want it refused", e)
		}
	}
}

func TestPasswordsMadeOfNamesAreRefused(t *testing.T) {
	tests := []struct {
		name, password, want string
	}{
		{"the product's name", "PixelTrack2026!!", password.Common},
		{"the product's name twice", "pixeltrackpixeltrack", password.Common},
		{"the product's name and a common word", "pixeltrack password", password.Common},
		{"the person's name with digits", "lovelace18151815", password.Common},
		{"the address's part, leet", "l0v3l4c3l0v3l4c3", password.Common},
		{"signs alone", "!?&%~+*#:;<>|{}()", ""},
		{"signs and digits", "!?&%~+*8#:;<>|7{}()", ""},
		{"pictures", "🦊🐢🚲🌋🧭🎻🪁🧊🍄🛶🪵🧵🦔🪴🎈", ""},
		{"the name inside a phrase", "lovelace walks under maple trees", ""},
		{"the product inside a phrase", "pixeltrack hates my tin kettle", ""},
	}
	for _, tt := range tests {
		if got := password.Weak(tt.password, "ada.lovelace@example.com", "Ada Lovelace"); got != tt.want {
			t.Errorf("%s: Weak(%q) = %q; want %q", tt.name, tt.password, got, tt.want)
		}
	}
}

// TestRandomPassphrasesAreTaken draws phrases of four words from made-up syllables, and texts of 16 random characters.
func TestRandomPassphrasesAreTaken(t *testing.T) {
	const drawn, most = 40_000, 3 // fewer than one in 10,000
	seed := uint64(20261128)
	r := rand.New(rand.NewPCG(seed, seed))
	syllables := strings.Fields("ba ke li mo nu pra ste vi zor qua fel dun gry hap jot kun lam wex yor tri")
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!$%&"
	refused := map[string]int{}
	for range drawn {
		var words []string
		for range 4 {
			words = append(words, syllables[r.IntN(len(syllables))]+syllables[r.IntN(len(syllables))]+syllables[r.IntN(len(syllables))])
		}
		if password.Weak(strings.Join(words, " "), "ada.lovelace@example.com") != "" {
			refused["phrases"]++
		}
		var text strings.Builder
		for range 16 {
			text.WriteByte(letters[r.IntN(len(letters))])
		}
		if password.Weak(text.String(), "ada.lovelace@example.com") != "" {
			refused["random characters"]++
		}
	}
	for kind, n := range refused {
		if n > most {
			t.Errorf("seed %d: %d of %d %s are refused; want at most %d", seed, n, drawn, kind, most)
		}
	}
}

// TestTheListCostsLessThanAMegabyte adds up what the list takes of a function: its bytes in the program, which are read where
// they lie, and what stays allocated after passwords were judged.
func TestTheListCostsLessThanAMegabyte(t *testing.T) {
	const most = 1 << 20
	list, err := os.Stat("common.bin")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, e := range strings.Fields(sample) {
		password.Weak(long(e), "ada.lovelace@example.com", "Ada Lovelace")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	stays := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d bytes in the program, %d allocated", list.Size(), stays)
	if list.Size()+max(0, stays) >= most {
		t.Errorf("the list takes %d bytes and %d of memory; want less than %d together", list.Size(), stays, most)
	}
}

func FuzzWeak(f *testing.F) {
	f.Add("pixeltrack 2026!!", "ada@example.com")
	f.Add("\xff1!1!1!1!1!1!1!1!", "")
	f.Add(strings.Repeat("１", 20), "１２３４")
	f.Fuzz(func(t *testing.T, text, about string) {
		if len(about) > 254 || len(text) > 1024 {
			t.Skip("longer than a request allows")
		}
		if password.Weak(text, about) == "" && password.WeakWithFactor(text, about) != "" {
			t.Errorf("%q is taken without a second factor and refused with one", text)
		}
		if password.Weak(text, about) == "" && password.Weak(text+"!", about) == password.TooShort {
			t.Errorf("%q is long enough and longer it is not", text)
		}
	})
}

// The slowest passwords to judge are a letter and signs to the end: every beginning of every beginning of them may be
// common. How many are looked at is bounded by the length of the list's longest entry, and counted by what is allocated.
func TestNoPasswordIsSlowToJudge(t *testing.T) {
	judge := func(text string) float64 {
		return testing.AllocsPerRun(1, func() { password.Weak(text) })
	}
	half, whole := judge("xqvzjw"+strings.Repeat("!1", 29)), judge("xqvzjw"+strings.Repeat("!1", 61))
	if whole > 3*half {
		t.Errorf("128 characters allocate %v times, 63 %v; want no more than in proportion", whole, half)
	}
	if over := judge("xqvzjw" + strings.Repeat("!1", 500)); over > half {
		t.Errorf("what is too long is judged: it allocates %v times, 63 characters %v", over, half)
	}
}
