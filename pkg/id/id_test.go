package id_test

import (
	"crypto/rand"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/id"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
	}{
		{"a project", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", nil},
		{"another kind", "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", id.ErrMalformed},
		{"empty", "", id.ErrMalformed},
		{"prefix alone", "prj_", id.ErrMalformed},
		{"lower case", "prj_01j8zq4m2v6tq0y7n3w5k9xdcb", id.ErrMalformed},
		{"a letter outside the alphabet", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCU", id.ErrMalformed},
		{"more than 128 bits", "prj_81J8ZQ4M2V6TQ0Y7N3W5K9XDCB", id.ErrMalformed},
		{"a key separator", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XD#B", id.ErrMalformed},
		{"longer", "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB0", id.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := id.Parse[id.Project](tt.in); err != tt.want {
				t.Errorf("Parse(%q) = %v; want %v", tt.in, err, tt.want)
			}
		})
	}
}

func TestNewIsParsedAndSorts(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	source := id.NewSource(func() time.Time { return at })
	first := id.New[id.Project](source)
	at = at.Add(time.Millisecond)
	second := id.New[id.Project](source)
	if first >= second {
		t.Errorf("New gave %q, then %q; want them in order of time", first, second)
	}
	if _, err := id.Parse[id.Project](string(first)); err != nil {
		t.Errorf("Parse(%q) = %v; want it to be well formed", first, err)
	}
}

func TestMemberIDsDoNotTellTheTime(t *testing.T) {
	source := id.NewSource(time.Now)
	a, b := id.New[id.Member](source), id.New[id.Member](source)
	if a[:14] == b[:14] {
		t.Errorf("New[Member] twice = %q, %q; want no common time in them", a, b)
	}
	if _, err := id.Parse[id.Member](string(a)); err != nil {
		t.Errorf("Parse(%q) = %v; want it to be well formed", a, err)
	}
}

func TestDerived(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 5e6, time.UTC)
	a := id.Derived[id.Act](at, "one")
	if b := id.Derived[id.Act](at, "one"); b != a {
		t.Errorf("Derived twice = %q, %q; want one id", a, b)
	}
	if b := id.Derived[id.Act](at, "two"); b == a {
		t.Errorf("Derived of two texts = %q twice; want two ids", a)
	}
	if _, err := id.Parse[id.Act](string(a)); err != nil || !id.Made(a).Equal(at) {
		t.Errorf("Derived = %q of %v, %v; want it well formed, of its time", a, id.Made(a), err)
	}
}

func TestEarliest(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	made := id.New[id.User](id.Source{Now: func() time.Time { return at }, Rand: rand.Reader})
	before, same, after := id.Earliest[id.User](at.Add(-time.Millisecond)), id.Earliest[id.User](at), id.Earliest[id.User](at.Add(time.Millisecond))
	if !(before < same && same <= made && made < after) {
		t.Errorf("%s, %s, %s around %s; want them in order", before, same, after, made)
	}
}
