package privacy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/clocks"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// FamilyChildReport holds reports that an account is a child's, each under the hash of the link that its reporter is mailed.
const FamilyChildReport store.Family = "CHILDREPORT"

// ChildReportPurpose is what the token of that link is for.
const ChildReportPurpose = "child_report"

const (
	reportLife   = 24 * time.Hour       // how long the link counts
	reportKept   = 120 * 24 * time.Hour // how long the reporter's address is kept at most, for the answer
	reportTold   = outbox.Life          // and how long after it
	reportsOfOne = 3                    // reports of one address, and
	reportsFrom  = 5                    // from one place, within a day
	nobodyWaits  = 48 * time.Hour       // how long the answer takes where there is no account: as long as a look takes
	clearedFor   = 365 * 24 * time.Hour // how long an account that was found to be no child's is not frozen by a report alone
)

// ChildReport is that somebody says that the account of an address is a child's (policy 10). The address is kept as its
// keyed hash alone, and the reporter's own until they were told what became of it.
type ChildReport struct {
	store.Meta
	ID          id.Report `dynamo:"id"`
	Of          string    `dynamo:"of"` // the keyed hash of the address that is reported
	Reporter    string    `dynamo:"reporter"`
	Relation    string    `dynamo:"relation"`
	Explanation string    `dynamo:"explanation,omitempty"` // until it is on the request
	User        id.User   `dynamo:"user,omitempty"`        // whose account it is, once the report is confirmed
	Case        id.Case   `dynamo:"case,omitempty"`        // the request that it became
	scope       store.Scope
}

// Type is the row's type.
func (r *ChildReport) Type() string { return "CHILDREPORT" }

// Keys puts a report into the scope of its link.
func (r *ChildReport) Keys() store.Keys {
	if r.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: r.PK, SK: r.SK}}
	}
	return store.Keys{Primary: reportKey(r.scope)}
}

func reportKey(s store.Scope) store.Key { return s.Key(FamilyChildReport) }

// Reporter gives the address of who made the report of a case, store.ErrMissing when there is none or it has been forgotten.
func Reporter(ctx context.Context, h *store.Case) (string, error) {
	r, err := store.Get[ChildReport](ctx, h, reportKey(h.Scope()))
	if err != nil {
		return "", err
	}
	return r.Reporter, nil
}

// ChildReportIn is the input of create-child-report.
type ChildReportIn struct{ Body ChildReportBody }

// ChildReportBody says whose account is a child's, and who says so.
type ChildReportBody struct {
	Email       string `json:"email" maxLength:"254" doc:"The address of the account." example:"tim@example.com"`
	Reporter    string `json:"reporter_email" maxLength:"254" doc:"Your own address. You confirm the report by a link that is mailed there, and hear what becomes of it; nobody else gets it." example:"parent@example.com"`
	Relation    string `json:"relation" enum:"parent,guardian,teacher,child,other" doc:"Who you are to the child; child: you are the child."`
	Explanation string `json:"explanation,omitempty" maxLength:"2000" doc:"What makes you sure. No document is needed." example:"The account is my son's; he is eleven."`
	True        bool   `json:"true_to_my_knowledge" enum:"true" doc:"That you know the child is under 13, and do not report to harm somebody."`
}

// EmptyBody is an answer that says nothing but that it was taken.
type EmptyBody struct{}

// ChildReportOut is the answer of create-child-report.
type ChildReportOut struct{ Body EmptyBody }

// CreateChildReport takes a report that an account is a child's. Nothing of the account is looked at, so that the answer is
// the same for every address; the report counts when its reporter confirms it.
func CreateChildReport(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	return api.New(api.Route{
		ID: "create-child-report", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/child-reports", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Report that an account is a child's", Purpose: purpose.PrivacyRights,
		Description: "PixelTrack is not for children under 13. Anybody may report an account: a mother, a father, a guardian, a teacher, the child. A link is mailed to you; when you confirm the report with it, within a day, " +
			"the account is frozen at once, people look at it, and a child's account is erased with everything in it. You are told what became of it. The answer is the same whether the address has an account or not.",
		ExampleIn:  ChildReportBody{Email: "tim@example.com", Reporter: "parent@example.com", Relation: "parent", Explanation: "The account is my son's; he is eleven.", True: true},
		ExampleOut: EmptyBody{},
		Refusals:   []api.Refusal{{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than 3 reports of one reporter, or 5 from one place, within a day."}},
	}, func(ctx context.Context, c *api.Caller, in *ChildReportIn) (*ChildReportOut, error) {
		b := in.Body
		switch {
		case account.Normal(b.Email) == "":
			return nil, problem.InvalidField("body.email", "not an e-mail address")
		case account.Normal(b.Reporter) == "":
			return nil, problem.InvalidField("body.reporter_email", "not an e-mail address")
		case !b.True:
			return nil, problem.InvalidField("body.true_to_my_knowledge", "a report must be true")
		}
		r := &ChildReport{ID: api.NewID[id.Report](c), Of: account.HashOf(pseudonyms, b.Email), Reporter: strings.TrimSpace(b.Reporter), Relation: b.Relation, Explanation: b.Explanation}
		actor := store.Actor{Who: string(r.ID), Request: c.Request}
		for _, limit := range []*guard.Counter{
			guard.New(st, pseudonyms, actor, "child-report", "", c.Source).Within(reportsFrom, 24*time.Hour),
			guard.New(st, pseudonyms, actor, "child-report", account.HashOf(pseudonyms, b.Reporter), "").Within(reportsOfOne, 24*time.Hour),
		} {
			if err := limit.Attempt(ctx); err != nil {
				return nil, err
			}
		}
		h := st.BindCase(keys.HashToken(links.Token(ChildReportPurpose, string(r.ID))), actor)
		r.scope = h.Scope()
		r.Expire(c.Now.Add(reportLife))
		tx := st.Begin()
		tx.Create(h, r)
		outbox.Queue(tx, h, MailChildConfirm, string(r.ID), map[string]string{"report": string(r.ID)})
		return &ChildReportOut{}, tx.Commit(ctx)
	})
}

// ConfirmReportIn is the input of confirm-child-report.
type ConfirmReportIn struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"200" doc:"Of the link that was mailed." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	}
}

// ReportedBody is a report that was confirmed.
type ReportedBody struct {
	ID       id.Case   `json:"id" doc:"The number of the case." example:"dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	AnswerBy time.Time `json:"answer_by" doc:"By when you are told what became of it."`
}

// ReportedOut is the answer of confirm-child-report.
type ReportedOut struct{ Body ReportedBody }

// ConfirmChildReport makes a report count: the account, if there is one, is frozen in the same transaction that gives the
// report to people.
func ConfirmChildReport(st *store.Store) api.Operation {
	example := ConfirmReportIn{}.Body
	example.Token = "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"
	return api.New(api.Route{
		ID: "confirm-child-report", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/child-reports/confirm", Audience: api.Public, Status: http.StatusAccepted,
		Summary: "Confirm a report that an account is a child's", Purpose: purpose.PrivacyRights,
		Description: "From then on the account is frozen: nothing in it can be used but the rights of its person, who is told. One that people have found within the last year to be no child's is not frozen before they look again. " +
			"The answer is the same whether the address has an account or not. Confirming it twice is confirming it once.",
		ExampleIn: example, ExampleOut: ReportedBody{ID: "dsr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", AnswerBy: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)},
		Refusals: []api.Refusal{{Kind: problem.NotFound, Code: "report_not_found", When: "The link is unknown, or its day is over."}},
	}, func(ctx context.Context, c *api.Caller, in *ConfirmReportIn) (*ReportedOut, error) {
		h := st.BindCase(keys.HashToken(in.Body.Token), store.Actor{Who: "reporter", Request: c.Request})
		var out *ReportedOut
		err := store.Again(ctx, store.ErrStale, func() error {
			r, err := store.Get[ChildReport](ctx, h, reportKey(h.Scope()))
			if errors.Is(err, store.ErrMissing) {
				return problem.Missing("report")
			}
			if err != nil {
				return err
			}
			if r.Case == "" {
				out, err = r.count(ctx, st, h, c.Now)
				return err
			}
			q, err := store.Get[Request](ctx, h, requestKey(h.Scope(), r.Case))
			if err != nil {
				return err
			}
			out = taken(q)
			return nil
		})
		return out, err
	})
}

func taken(q *Request) *ReportedOut {
	return &ReportedOut{ReportedBody{ID: q.ID, AnswerBy: clock.At(q.Due)}}
}

// count turns a report that was confirmed into a request that people decide, and freezes the account.
func (r *ChildReport) count(ctx context.Context, st *store.Store, h *store.Case, now time.Time) (*ReportedOut, error) {
	q := newRequest(st, h, now, request.ChildReport, clocks.Residence{})
	q.Description = r.Relation + ": " + r.Explanation
	if err := q.happen(request.Event{Type: request.IdentityClear, At: now}); err != nil {
		return nil, err
	}
	marker, gate := new(account.Address), new(access.UserGate)
	f := &store.Fetch{Through: st.BindPlatform(h.Actor()), Key: store.MailLookup(r.Of), Row: marker}
	if err := st.FetchAll(ctx, f); err != nil {
		return nil, err
	}
	tx := st.Begin()
	if f.Err == nil {
		user := st.BindUser(marker.User, h.Actor())
		user.SeeRestricted()
		g := &store.Fetch{Through: user, Key: access.UserGateKey(marker.User), Row: gate}
		if err := st.FetchAll(ctx, g); err != nil {
			return nil, err
		}
		if g.Err == nil && gate.Deleted == 0 {
			r.User = marker.User
			r.freeze(tx, user, gate, q.ID, now)
		}
	}
	r.Case, r.Explanation = q.ID, ""
	r.Expire(now.Add(reportKept))
	tx.Replace(h, r)
	tx.Create(h, q)
	q.line(tx, h)
	tx.Arm(h, q.due())
	outbox.Queue(tx, h, MailReceived, string(q.ID), map[string]string{"case": string(q.ID), "kind": string(q.Kind), "due": clock.At(q.Due).Format(time.DateOnly), "state": string(q.State)})
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	return taken(q), nil
}

// freeze stops an account that is reported, and tells its person; one that is frozen or was found to be no child's stays as
// it is until people look.
func (r *ChildReport) freeze(tx *store.Tx, user *store.User, gate *access.UserGate, c id.Case, now time.Time) {
	if gate.Frozen != 0 || gate.Cleared != 0 && now.Sub(clock.At(gate.Cleared)) < clearedFor {
		return
	}
	gate.Frozen = now.Unix()
	tx.Replace(user, gate)
	outbox.Queue(tx, user, MailChildFrozen, store.Join(string(c), "frozen"), map[string]string{"case": string(c)})
}

// told ends a report whose reporter is mailed what became of it: their address is forgotten soon after.
func (r *ChildReport) told(tx *store.Tx, h holder, now time.Time) {
	r.Expire(now.Add(reportTold))
	tx.Replace(h, r)
}

// reportOf gives the report that a request of the kind came of, nil when it has been forgotten.
func reportOf(ctx context.Context, h holder) (*ChildReport, error) {
	r, err := store.Get[ChildReport](ctx, h, reportKey(h.Scope()))
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	return r, err
}

// dismiss adds to the transaction that denies a report that its account is open again.
func dismiss(ctx context.Context, tx *store.Tx, h holder, now time.Time) error {
	r, err := reportOf(ctx, h)
	if err != nil || r == nil {
		return err
	}
	r.told(tx, h, now)
	if r.User == "" {
		return nil
	}
	user := h.Store().BindUser(r.User, h.Actor())
	user.SeeRestricted()
	if _, err := store.Get[access.UserGate](ctx, user, access.UserGateKey(r.User)); err != nil {
		return store.Except(err, store.ErrMissing)
	}
	tx.Change(user, access.UserGateKey(r.User), func(u *dynamo.Update) { u.Remove("frozen").Set("age_cleared", now.Unix()) })
	outbox.Queue(tx, user, MailChildThawed, store.Join(string(r.Case), "thawed"), map[string]string{"case": string(r.Case)})
	return nil
}

// lookAt brings a report to people, or answers it by itself where there is no account, after as long as a look takes.
func (w *worker) lookAt(ctx context.Context, tx *store.Tx, h holder, r *Request, now time.Time) error {
	report, err := reportOf(ctx, h)
	if err != nil {
		return err
	}
	if report != nil && report.User != "" {
		w.log.Warn("request_needs_people", telemetry.Case(string(r.ID)), telemetry.Kind(string(r.Kind)))
		r.Next = watchAt(r, now)
		return w.scopeErasure(w.st.BindUser(report.User, w.actor), r, now)
	}
	if answer := clock.At(r.Received).Add(nobodyWaits); now.Before(answer) {
		r.Next = answer.Unix()
		return nil
	}
	if err := r.happen(request.Event{Type: request.Refused, At: now, Reason: groundNotHeld}); err != nil {
		return err
	}
	outbox.Queue(tx, h, MailDenied, store.Join(string(r.ID), "denied"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "reason": r.Denial})
	return dismiss(ctx, tx, h, now)
}

// eraseChild erases the account of a report that people found to be a child's, and tells the reporter.
func (w *worker) eraseChild(ctx context.Context, h holder, r *Request, now time.Time, was int64) error {
	report, err := reportOf(ctx, h)
	if err != nil {
		return err
	}
	if report == nil || report.User == "" {
		w.log.Error("report_without_account", telemetry.Case(string(r.ID)))
		return nil
	}
	begin := func(ctx context.Context) error {
		if r.Destroying {
			return nil
		}
		if err := r.destroy(now); err != nil {
			return err
		}
		r.Next = now.Add(time.Minute).Unix()
		tx := w.st.Begin()
		r.save(tx, h, was)
		err := tx.Commit(ctx)
		if errors.Is(err, store.ErrStale) {
			return erasure.ErrBusy // somebody else wrote the request
		}
		return err
	}
	res, err := w.engine.Account(ctx, w.actor, report.User, erasure.Cause{Case: r.ID, Begin: begin, Final: func(tx *store.Tx, p *store.Platform, res erasure.Result) error {
		return w.childErased(ctx, tx, p, h, r.ID, now, res)
	}})
	return w.erased(r.ID, res, err)
}

// childErased adds the end of a report to the last transaction of its erasure.
func (w *worker) childErased(ctx context.Context, tx *store.Tx, p *store.Platform, h holder, c id.Case, now time.Time, res erasure.Result) error {
	r, err := store.Get[Request](ctx, h, requestKey(h.Scope(), c))
	if err != nil {
		return err
	}
	report, err := reportOf(ctx, h)
	if err != nil {
		return err
	}
	was := r.Next
	for _, e := range []request.Event{{Type: request.StepDone, Item: itemAccount, Count: res.Count, At: now}, {Type: request.Finished, At: now}} {
		if err := r.happen(e); err != nil {
			return err
		}
	}
	r.save(tx, h, was)
	outbox.Queue(tx, h, MailAnswered, store.Join(string(r.ID), "answered"), map[string]string{"case": string(r.ID), "kind": string(r.Kind), "state": string(r.State)})
	logPurge(tx, p, "child-report", now, clock.At(r.Due), res.Count, res.Kept)
	if report == nil {
		return nil
	}
	from := store.UserScope(report.User)
	report.User = ""
	report.told(tx, h, now)
	return w.closeOpen(ctx, tx, p, from, res.Subject, c, now)
}
