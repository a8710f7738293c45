// Package clocks derives the dates by which a data subject request must be acknowledged and answered. Each law that
// applies gives one date, the earliest counts, and the derivation is kept in words that the subject can read.
package clocks

import (
	"errors"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/privacy/request"
)

// Regime is a law, or our own promise, that sets a date.
type Regime string

// The regimes.
const (
	Policy Regime = "policy" // sections 6.3 and 15: everybody
	GDPR   Regime = "gdpr"
	CCPA   Regime = "ccpa"
	PIPEDA Regime = "pipeda"
)

// Residence is where a person says to live. Region is the ISO 3166-2 part after the hyphen, "CA" for California.
type Residence struct{ Country, Region string }

// All lists every regime.
func All() []Regime { return []Regime{Policy, GDPR, CCPA, PIPEDA} }

// Regimes gives those that apply to a residence. Without a country all apply; the same holds for what an absent region
// leaves open.
func Regimes(r Residence) []Regime {
	switch {
	case r.Country == "":
		return All()
	case slices.Contains(europe(), r.Country):
		return []Regime{Policy, GDPR}
	case r.Country == "US" && (r.Region == "CA" || r.Region == ""):
		return []Regime{Policy, CCPA}
	case r.Country == "CA":
		return []Regime{Policy, PIPEDA}
	}
	return []Regime{Policy}
}

// europe lists the countries of the European Economic Area, and the United Kingdom, whose law is the same in this.
func europe() []string {
	return []string{"AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IS", "IE", "IT", "LV", "LI",
		"LT", "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "GB"}
}

// Step is one regime's part in a derivation.
type Step struct {
	Regime Regime
	Rule   string // the provision
	Due    time.Time
	Note   string // how the date was counted, in words
}

// Intake is what the dates depend on.
type Intake struct {
	Kind     request.Kind
	Received time.Time      // first contact by any channel
	Zone     *time.Location // dates are counted here; UTC when nil
	Regimes  []Regime
	Pause    time.Duration // how long a reasonable doubt about identity, raised at once, was being resolved
}

// Derivation is what follows from an Intake.
type Derivation struct {
	Due         time.Time // the earliest of all steps
	Regime      Regime    // whose step that is
	Steps       []Step    // the answer, one for each regime that sets a date
	Acknowledge []Step    // by when the receipt must be confirmed, where a law says so
}

// Derive works out the dates. The time of day of a due date is that of the receipt, so that no reading of "30 days" in
// any zone is exceeded. The policy's step is always there.
func Derive(in Intake) Derivation {
	in = in.normal()
	var d Derivation
	for _, r := range in.Regimes {
		if step, ok := in.answer(r); ok {
			d.add(step)
		}
	}
	if slices.Contains(in.Regimes, CCPA) && ccpa45(in.Kind) {
		d.Acknowledge = append(d.Acknowledge, Step{CCPA, "CCPA regulations §7021(a)", in.at(BusinessDays(in.local(), 10)),
			"10 business days after receipt, holidays counted as business days"})
	}
	return d
}

// Refused extensions.
var (
	ErrNoExtension = errors.New("clocks: no law that applies here allows more time")
	ErrLate        = errors.New("clocks: an extension must be told before the first date has passed")
)

// Extend works out the dates after an extension that is told to the subject at a time. The new date is the earliest
// statutory maximum; our own promise moves only as far as a law allows.
func Extend(in Intake, told time.Time) (Derivation, error) {
	in = in.normal()
	first := Derive(in)
	if !told.Before(first.Due) {
		return Derivation{}, ErrLate
	}
	d := Derivation{Acknowledge: first.Acknowledge}
	for _, r := range in.Regimes {
		step, ok := in.answer(r)
		if !ok || r == Policy {
			continue
		}
		longer, ok := in.longest(r)
		if !ok {
			longer = step // this law gives no more time
		}
		d.add(longer)
	}
	if len(d.Steps) == 0 || !d.Due.After(first.Due) {
		return Derivation{}, ErrNoExtension
	}
	d.Steps = append([]Step{{Policy, "Privacy policy 6.3 and 15", d.Due, "as long as the law that applies allows"}}, d.Steps...)
	return d, nil
}

func (d *Derivation) add(s Step) {
	d.Steps = append(d.Steps, s)
	if d.Due.IsZero() || s.Due.Before(d.Due) {
		d.Due, d.Regime = s.Due, s.Regime
	}
}

func (in Intake) normal() Intake {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	if !slices.Contains(in.Regimes, Policy) {
		in.Regimes = append([]Regime{Policy}, in.Regimes...)
	}
	in.Pause = max(0, in.Pause)
	return in
}

func (in Intake) local() time.Time             { return in.Received.In(in.Zone) }
func (in Intake) at(local time.Time) time.Time { return local.UTC() }

// answer is the date of one regime for an answer, false when it sets none for this kind.
func (in Intake) answer(r Regime) (Step, bool) {
	t := in.local()
	switch r {
	case Policy:
		return Step{Policy, "Privacy policy 6.3 and 15", in.at(days(t, 30)), "30 calendar days after receipt"}, true
	case GDPR:
		s := Step{GDPR, "GDPR Art. 12(3)", in.at(AddMonths(t, 1)), "one month after receipt: the same day of the next month, or its last day"}
		if in.Pause > 0 {
			s.Due = s.Due.Add(in.Pause)
			s.Note += "; later by the time that it took to make sure who asks"
		}
		return s, true
	case CCPA:
		switch {
		case ccpa45(in.Kind):
			return Step{CCPA, "Cal. Civ. Code §1798.130(a)(2)", in.at(t.AddDate(0, 0, 45)), "45 calendar days after receipt"}, true
		case in.Kind == request.OptOut || in.Kind == request.Limit:
			return Step{CCPA, "CCPA regulations §7026(f), §7027(g)", in.at(BusinessDays(t, 15)),
				"as soon as feasible, at most 15 business days after receipt, holidays counted as business days"}, true
		}
	case PIPEDA:
		return Step{PIPEDA, "PIPEDA s. 8(3)", in.at(days(t, 30)), "30 days after receipt"}, true
	}
	return Step{}, false
}

// longest is the statutory maximum of one regime, false when it allows no more time for this kind.
func (in Intake) longest(r Regime) (Step, bool) {
	t := in.local()
	switch {
	case r == GDPR:
		return Step{GDPR, "GDPR Art. 12(3)", in.at(AddMonths(t, 3)).Add(in.Pause), "extended by two further months"}, true
	case r == CCPA && ccpa45(in.Kind):
		return Step{CCPA, "Cal. Civ. Code §1798.130(a)(2)", in.at(t.AddDate(0, 0, 90)), "extended by 45 days to 90 days in all"}, true
	case r == PIPEDA:
		return Step{PIPEDA, "PIPEDA s. 8(4)", in.at(t.AddDate(0, 0, 60)), "extended by 30 days"}, true
	}
	return Step{}, false
}

// ccpa45 says whether California gives 45 days for the kind.
func ccpa45(k request.Kind) bool {
	return k.Discloses() || k == request.Erasure || k == request.Rectification
}

// days moves a time by calendar days, and never by more hours than they have where clocks are not changed.
func days(t time.Time, n int) time.Time {
	wall, span := t.AddDate(0, 0, n), t.Add(time.Duration(n)*24*time.Hour)
	if wall.Before(span) {
		return wall
	}
	return span
}

// AddMonths moves a time by months, to the same day or, where that month is shorter, its last day.
func AddMonths(t time.Time, months int) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(day, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// BusinessDays moves a time by days from Monday to Friday. Holidays count as business days: the date is then never
// later than the law allows.
func BusinessDays(t time.Time, days int) time.Time {
	for days > 0 {
		t = t.AddDate(0, 0, 1)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			days--
		}
	}
	return t
}

// AddYears moves a time by years; 29 February becomes 28 February where the year has none.
func AddYears(t time.Time, years int) time.Time { return AddMonths(t, 12*years) }

// Breach gives the dates that follow from a personal data breach: to the authority 72 hours after we became aware
// (GDPR Art. 33), to Californian residents 30 days after discovery, and to California's Attorney General 15 days after
// they were told.
func Breach(aware, discovered time.Time) []Step {
	residents := discovered.UTC().AddDate(0, 0, 30)
	return []Step{
		{GDPR, "GDPR Art. 33(1)", aware.UTC().Add(72 * time.Hour), "72 hours after awareness; later needs reasons"},
		{CCPA, "Cal. Civ. Code §1798.82(a)", residents, "30 calendar days after discovery, to residents"},
		{CCPA, "Cal. Civ. Code §1798.82(f)", residents.AddDate(0, 0, 15), "15 calendar days after the residents, to the Attorney General if there are more than 500"},
	}
}
