package timetracking

import (
	"strings"
	"time"
	_ "time/tzdata" // the functions' system has no zones of its own

	"pixeltrack.io/platform/pkg/problem"
)

// UTC is the zone of a call that names none.
const UTC = "UTC"

// zone finds an IANA zone by its name.
func zone(name, field string) (*time.Location, error) {
	refused := problem.InvalidField(field, "not the name of an IANA time zone")
	// Local is the machine's, and the other two are sets of the same zones with other rules.
	if name == "" || name == "Local" || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix") {
		return nil, refused
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, refused
	}
	return loc, nil
}

// dayLength is how long a day lasts in a zone: 24 hours, but for the days on which clocks are put forward or back. A
// day that a zone has skipped lasts no time at all.
func dayLength(day time.Time, loc *time.Location) time.Duration {
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	var total time.Duration
	from, until := midnight.Add(-26*time.Hour), midnight.Add(50*time.Hour) // no clock is further from UTC than that
	for from.Before(until) {
		_, offset := from.In(loc).Zone()
		_, change := from.In(loc).ZoneBounds()
		if change.IsZero() || change.After(until) {
			change = until
		}
		start := midnight.Add(-time.Duration(offset) * time.Second)
		total += overlap(from, change, start, start.Add(24*time.Hour))
		from = change
	}
	return total
}

func overlap(a, b, c, d time.Time) time.Duration {
	if c.After(a) {
		a = c
	}
	if d.Before(b) {
		b = d
	}
	return max(0, b.Sub(a))
}
