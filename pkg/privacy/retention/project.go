package retention

import (
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/store"
)

// Kinds of due work of project data. Both are armed with their wake rows.
const (
	ProjectPurge   store.DueKind = "purge-project"   // the target is the project, whose Clock is the same time; what is to be done then is judged when it rings
	ProjectSetting store.DueKind = "project-setting" // the target is the organization's gate: its setting has changed, and the clocks of its projects are to follow
)

// Event is what the clock of project data starts with.
type Event string

// The events. An organization that has chosen none counts from the last activity.
const (
	LastActivity Event = "last_activity" // hours tracked or files announced under the project, or a change of the project itself
	Archived     Event = "archive"       // the project was archived, and still is
	Ended        Event = "close"         // the project's last day, or its last activity when that was later
)

// ProjectRule is how long an organization keeps project data: so many days after an event. No days are as long as the
// organization exists.
type ProjectRule struct {
	Days  int
	Event Event
}

// ProjectRuleOf is the rule of an organization.
func ProjectRuleOf(g *access.OrganizationGate) ProjectRule {
	r := ProjectRule{Days: g.RetentionDays, Event: Event(g.RetentionEvent)}
	if r.Event == "" {
		r.Event = LastActivity
	}
	return r
}

// ValidDays says whether an organization may set so many days, 0 for as long as it exists.
func ValidDays(days int) bool {
	kept := time.Duration(days) * 24 * time.Hour
	return days == 0 || kept >= ProjectLeast && kept <= ProjectMost
}

// Ends is when data goes whose clock started at a time.
func (r ProjectRule) Ends(start time.Time) time.Time {
	return start.UTC().Add(time.Duration(r.Days) * 24 * time.Hour)
}

// ProjectSettingDue is the due row of a setting that has changed: a minute later, when every writer that saw the old one is
// through.
func ProjectSettingDue(g *access.OrganizationGate, changed time.Time) *store.Due {
	return store.NewDue(ProjectSetting, changed.Add(time.Minute), access.OrganizationGateKey(g.Organization))
}
