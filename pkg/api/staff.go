package api

import (
	"context"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// byStaff runs the request of one of PixelTrack's own people, after the check. Every such call leaves an audit record,
// reads and refusals too: what no transaction of the call has recorded is recorded here, and nothing is answered that
// could not be.
func (s *Server) byStaff(ctx context.Context, c *Caller, sess *session, r *http.Request, body []byte) *held {
	var a *held
	if err := s.check(ctx, c, sess, sess.fetches()); err != nil {
		a = refused(ctx, err)
	} else {
		a = safely(ctx, func() *held { return s.checked(c, r, body) }) // a panic is recorded, too
	}
	if c.Staff == nil || c.recorded {
		return a
	}
	outcome := "done"
	if a.problem != nil {
		outcome = a.problem.Code
	}
	tx := s.store.Begin()
	c.audit(tx, c.object, outcome)
	if err := tx.Commit(ctx); err != nil {
		return refused(ctx, err)
	}
	return a
}

// admitStaff judges whether the caller may act as one of PixelTrack's own people.
func (c *Caller) admitStaff(s *session, now time.Time) error {
	if s.appointed.Err == nil {
		c.Staff = s.appointment
	}
	within := access.StaffProof
	if c.route.Fresh != 0 {
		within = c.route.Fresh
	}
	if now.Sub(c.Proved) > within || c.Proved.Unix() < s.gate.SecondFactorAt {
		return reauthenticate(within)
	}
	if c.Staff == nil {
		return problem.Of(problem.Forbidden, "staff_required", "This is for PixelTrack's own people.")
	}
	if !s.gate.SecondFactor {
		return problem.Of(problem.Forbidden, "second_factor_required", "Staff need a second factor; enroll one and come back.")
	}
	if p := c.route.Permission; p != "" && !c.Staff.May(p) {
		return problem.Of(problem.Forbidden, "permission_denied", "Your role does not allow this; it needs %s.", p)
	}
	return nil
}

// Platform is the handle of what is PixelTrack's own, for one of its people.
func (c *Caller) Platform() *store.Platform {
	return c.store.BindPlatform(c.Acting())
}

// Acting is how one of PixelTrack's own people is written into rows: by their staff id, wherever the row lies.
func (c *Caller) Acting() store.Actor {
	return store.Actor{Who: string(c.Staff.ID), Request: c.Request}
}

// About says what a call of staff is about, by its id, for the audit record of a read or a refusal.
func (c *Caller) About(object string) { c.object = object }
