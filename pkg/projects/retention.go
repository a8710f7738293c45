package projects

import (
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
)

// step is what is to be done about the retention of a project.
type step string

const (
	rest   step = "rest"   // no clock runs
	wait   step = "wait"   // nothing until a time
	tell   step = "tell"   // the owner is told when the data goes
	shut   step = "shut"   // the project is closed, so that nobody writes under it any more
	settle step = "settle" // who saw it open may still be writing
	purge  step = "purge"  // it goes
)

// verdict is the next step about a project.
type verdict struct {
	step step
	look time.Time // when it is to be looked at next
	goes time.Time // when the owner was told, or is to be told, that the data goes; the zero time for not told
	ends time.Time // when the data goes, if nothing happens meanwhile
}

// started is when the clock of a project's data began, false when none runs. Used is when hours or files last came under
// the project, the zero time when that is not known.
func (p *Project) started(event retention.Event, used time.Time) (time.Time, bool) {
	active := later(time.UnixMilli(p.Updated).UTC(), used)
	switch event {
	case retention.Archived:
		if p.Status != Archived && p.Former != Archived {
			return time.Time{}, false
		}
		return time.UnixMilli(max(p.Archived, p.Created)).UTC(), true
	case retention.Ended:
		end, err := time.Parse(time.DateOnly, p.EndsOn)
		if err != nil {
			return time.Time{}, false // it has no last day
		}
		return later(end.AddDate(0, 0, 1), active), true
	}
	return active, true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// judge says what is to be done about a project now, under a rule. Nothing goes before the owner was told of it for 14
// days. What happens meanwhile puts it off; when it puts it off by more than those days, the owner is told anew.
func (p *Project) judge(r retention.ProjectRule, used, now time.Time) verdict {
	start, ok := p.started(r.Event, used)
	if r.Days == 0 || !ok {
		return verdict{step: rest}
	}
	now = now.UTC().Truncate(time.Second)
	ends := r.Ends(start).Truncate(time.Second)
	notice := ends.Add(-retention.ExportOffer)
	told := time.Unix(p.Goes, 0).UTC()
	switch {
	case notice.After(now) && (p.Goes == 0 || ends.After(told)):
		return verdict{step: wait, look: notice, ends: ends}
	case p.Goes == 0:
		ends = later(ends, now.Add(retention.ExportOffer))
		return verdict{step: tell, look: ends, goes: ends, ends: ends}
	}
	ends = later(ends, told)
	v := verdict{step: purge, look: now, goes: ends, ends: ends}
	switch settled := time.Unix(p.Shut, 0).UTC().Add(Wait); {
	case ends.After(now):
		v.step, v.look = wait, ends
	case p.Shut == 0:
		v.step, v.look = shut, now.Add(Wait)
	case settled.After(now):
		v.step, v.look = settle, settled
	}
	return v
}

func (p *Project) retentionDue(at int64) *store.Due {
	return store.NewDue(retention.ProjectPurge, time.Unix(at, 0), Key(p.Org, p.ID))
}

// lookAt sets when a project is looked at for its retention, 0 for never.
func (p *Project) lookAt(tx *store.Tx, h store.Bound, at int64) {
	if at == p.Clock {
		return
	}
	if p.Clock != 0 {
		tx.Disarm(h, p.retentionDue(p.Clock), true)
	}
	if p.Clock = at; at != 0 {
		tx.ArmWake(h, p.retentionDue(at))
	}
}

// follow writes a verdict down in a transaction. A project that was shut and need not go is what it was.
func (p *Project) follow(tx *store.Tx, h store.Bound, v verdict) {
	switch {
	case v.step == shut:
		p.Former, p.Status, p.Shut = p.Status, Closing, v.look.Add(-Wait).Unix()
	case p.Shut != 0 && v.step != settle:
		p.Status, p.Former, p.Shut = p.Former, "", 0
	}
	p.Goes = clock.Epoch(v.goes)
	p.lookAt(tx, h, clock.Epoch(v.look))
}

// keep sees in the transaction of a change that the project is looked at in time. It may be looked at too early, which
// finds that there is nothing to do yet: the hours and files under it count then.
func (p *Project) keep(tx *store.Tx, c *api.Caller) error {
	if err := c.Checked(); err != nil {
		return err
	}
	rule := retention.ProjectRuleOf(c.Gate)
	if rule.Days == 0 {
		return nil // a clock that still runs finds so
	}
	v := p.judge(rule, time.Time{}, c.Now)
	switch v.step {
	case rest:
		p.Goes = 0
		return nil
	case wait:
		p.Goes = clock.Epoch(v.goes)
	default:
		v.look = c.Now
	}
	if p.Clock == 0 || p.Clock > v.look.Unix() {
		p.lookAt(tx, c.Org, v.look.Unix())
	}
	return nil
}
