package projects

import (
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/privacy/retention"
)

// TestWhatIsToBeDoneAboutAProject judges a project that was made on the first of March 2026 and changed the day after, on
// days that are counted from then.
func TestWhatIsToBeDoneAboutAProject(t *testing.T) {
	made := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	day := func(n float64) time.Time { return made.Add(time.Duration(n * float64(24*time.Hour))) }
	keep := func(days int, e retention.Event) retention.ProjectRule {
		return retention.ProjectRule{Days: days, Event: e}
	}
	type have struct {
		status, former Status
		archived, goes float64 // days
		shut           float64
		ends           string
		used           float64
		rule           retention.ProjectRule
		now            float64
	}
	active := keep(30, retention.LastActivity)
	tests := []struct {
		name string
		have have
		step step
		look float64
		goes float64
	}{
		{"no setting", have{rule: keep(0, retention.LastActivity), now: 500}, rest, 0, 0},
		{"no setting any more", have{rule: keep(0, retention.LastActivity), goes: 501, now: 500}, rest, 0, 0},
		{"changed lately", have{rule: active, now: 10}, wait, 17, 0},
		{"used later than changed", have{rule: active, used: 8, now: 10}, wait, 24, 0},
		{"14 days are left", have{rule: active, now: 17}, tell, 31, 31},
		{"fewer are left", have{rule: active, now: 20}, tell, 34, 34},
		{"late by years", have{rule: active, now: 900}, tell, 914, 914},
		{"told", have{rule: active, goes: 31, now: 18}, wait, 31, 31},
		{"told and worked on", have{rule: active, goes: 31, used: 30, now: 31}, wait, 46, 0},
		{"told, and the time set shorter", have{rule: keep(30, retention.LastActivity), goes: 60, now: 50}, wait, 60, 60},
		{"told, and the time set longer", have{rule: keep(60, retention.LastActivity), goes: 31, now: 31}, wait, 47, 0},
		{"told, and the time a little longer", have{rule: keep(35, retention.LastActivity), goes: 31, now: 31}, wait, 36, 36},
		{"the day has come", have{rule: active, goes: 31, now: 31}, shut, 31 + 1.0/1440, 31},
		{"the day came long ago", have{rule: active, goes: 31, now: 90}, shut, 90 + 1.0/1440, 31},
		{"writers are under way", have{rule: active, status: Closing, former: Active, goes: 31, shut: 31, now: 31 + 0.5/1440}, settle, 31 + 1.0/1440, 31},
		{"writers are through", have{rule: active, status: Closing, former: Active, goes: 31, shut: 31, now: 31 + 1.0/1440}, purge, 31 + 1.0/1440, 31},
		{"the last writer came", have{rule: active, status: Closing, former: Active, goes: 31, shut: 31, used: 31, now: 31.1}, wait, 47, 0},
		{"never archived", have{rule: keep(30, retention.Archived), now: 500}, rest, 0, 0},
		{"archived", have{rule: keep(30, retention.Archived), status: Archived, archived: 40, now: 41}, wait, 56, 0},
		{"archived, and hours are no matter", have{rule: keep(30, retention.Archived), status: Archived, archived: 40, used: 60, now: 56}, tell, 70, 70},
		{"archived before it was shut", have{rule: keep(30, retention.Archived), status: Closing, former: Archived, archived: 40, goes: 70, shut: 70, now: 71}, purge, 71, 70},
		{"taken back from the archive", have{rule: keep(30, retention.Archived), archived: 40, goes: 70, now: 70}, rest, 0, 0},
		{"without a last day", have{rule: keep(30, retention.Ended), now: 500}, rest, 0, 0},
		{"after its last day", have{rule: keep(30, retention.Ended), ends: "2026-03-11", now: 12}, wait, 10.625 + 16, 0},
		{"worked on after its last day", have{rule: keep(30, retention.Ended), ends: "2026-03-11", used: 20, now: 21}, wait, 36, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.have
			p := &Project{Status: h.status, Former: h.former, Created: made.UnixMilli(), Updated: day(1).UnixMilli(), EndsOn: h.ends}
			for field, days := range map[*int64]float64{&p.Goes: h.goes, &p.Shut: h.shut} {
				if days != 0 {
					*field = day(days).Unix()
				}
			}
			if h.archived != 0 {
				p.Archived = day(h.archived).UnixMilli()
			}
			v := p.judge(h.rule, day(h.used), day(h.now))
			want := verdict{step: tt.step}
			if tt.look != 0 {
				want.look = day(tt.look)
			}
			if tt.goes != 0 {
				want.goes = day(tt.goes)
			}
			if v.step != want.step || !v.look.Equal(want.look) || !v.goes.Equal(want.goes) {
				t.Errorf("judge = %s, look %v, goes %v; want %s, %v, %v", v.step, v.look, v.goes, want.step, want.look, want.goes)
			}
		})
	}
}
