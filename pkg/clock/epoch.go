package clock

import "time"

// At is a time that a row keeps as epoch seconds, in UTC: for 0, which says that there is none, the zero time.
func At(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Epoch is a time as a row keeps it: 0 for the zero time.
func Epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Moment is a time that a row keeps, as an answer shows it: nothing where there is none.
func Moment(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := At(seconds)
	return &t
}
