package clock

import "time"

// Moment is a time that a row keeps as epoch seconds, as an answer shows it: in UTC, and none for 0.
func Moment(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}
