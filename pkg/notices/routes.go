package notices

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// NoticeBody is one notice.
type NoticeBody struct {
	ID             id.Announcement `json:"id" example:"ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Kind           Kind            `json:"kind" enum:"policy_change,subprocessor_change,business_transfer"`
	Object         string          `json:"about" doc:"The version of the policy, the provider in the register, or the transfer." example:"2"`
	Title          string          `json:"title"`
	Text           string          `json:"text"`
	SHA256         string          `json:"sha256,omitempty" doc:"Of the version of the policy, when it is about one."`
	Effective      time.Time       `json:"effective_at"`
	Told           time.Time       `json:"told_at"`
	AcknowledgedAt *time.Time      `json:"acknowledged_at,omitempty" doc:"When you said that you have seen it. It is no consent."`
	UsedAt         *time.Time      `json:"first_used_at,omitempty" doc:"Of a change of the policy: when you first logged in, or had your tokens renewed, after it took effect. It is no consent."`
}

func body(n *Notice, acts []*Ack) NoticeBody {
	b := NoticeBody{ID: n.Announcement, Kind: n.Kind, Object: n.Object, Title: n.Title, Text: n.Text, SHA256: n.SHA256, Effective: clock.At(n.Effective), Told: clock.At(n.Told)}
	for _, a := range acts {
		switch {
		case a.Announcement != n.Announcement:
		case a.Act == Acknowledged:
			b.AcknowledgedAt = clock.Moment(a.At)
		case a.Act == Used:
			b.UsedAt = clock.Moment(a.At)
		}
	}
	return b
}

func example() NoticeBody {
	told := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return NoticeBody{ID: "ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Kind: PolicyChange, Object: "2", Title: "Our privacy policy changes", Text: "Invoices are kept for eight years.",
		SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Effective: told.AddDate(0, 1, 0), Told: told}
}

// mostActs is how many acts are read with a page of notices: two of each of the newest hundred.
const mostActs = 200

// ListOut is the answer of list-notices.
type ListOut struct{ Body api.List[NoticeBody] }

// ListNotices lists what the caller was told of.
func ListNotices() api.Operation {
	return api.New(api.Route{
		ID: "list-notices", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/notices", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "What you were told of before it took effect", Purpose: purpose.PrivacyRights, ExampleOut: api.List[NoticeBody]{Data: []NoticeBody{example()}},
		Description: "Newest first: changes of the policy, and, if you own an organization, of the companies that process its data. What you did then is known of the newest hundred.",
	}, func(ctx context.Context, c *api.Caller, in *api.Page) (*ListOut, error) {
		var acts []*Ack
		var failed error
		var beside sync.WaitGroup
		scope := c.Self.Scope()
		beside.Go(func() {
			acts, _, failed = store.List[Ack](ctx, c.Self, store.Query{Partition: scope.Partition(FamilyAck), Descending: true, Limit: mostActs})
		})
		all, cursor, err := store.List[Notice](ctx, c.Self, store.Query{Partition: scope.Partition(FamilyNotice), Descending: true, Limit: in.Limit, Cursor: in.Cursor})
		beside.Wait()
		if err := errors.Join(api.ListError(err), failed); err != nil {
			return nil, err
		}
		out := &ListOut{api.List[NoticeBody]{Data: make([]NoticeBody, len(all)), NextCursor: cursor}}
		for i, n := range all {
			out.Body.Data[i] = body(n, acts)
		}
		return out, nil
	})
}

// AcknowledgeIn is the input of acknowledge-notice.
type AcknowledgeIn struct {
	ID string `path:"id" maxLength:"64" doc:"The notice." example:"ann_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Out is the answer of acknowledge-notice.
type Out struct{ Body NoticeBody }

// AcknowledgeNotice says that the caller has seen a notice.
func AcknowledgeNotice(st *store.Store) api.Operation {
	acknowledged := example()
	acknowledged.AcknowledgedAt = &acknowledged.Told
	return api.New(api.Route{
		ID: "acknowledge-notice", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/notices/{id}/acknowledgement", Audience: api.Users, Audit: true, Rights: true,
		Summary: "Say that you have seen a notice", Purpose: purpose.PrivacyRights, ExampleOut: acknowledged,
		Description: "It agrees to nothing, and without it nothing else is different. Said again, the first time stands.",
		Refusals:    []api.Refusal{{Kind: problem.NotFound, Code: "notice_not_found", When: "You have no such notice."}},
	}, func(ctx context.Context, c *api.Caller, in *AcknowledgeIn) (*Out, error) {
		n, ack := new(Notice), new(Ack)
		notice, err := id.Parse[id.Announcement](in.ID)
		if err != nil {
			return nil, problem.Missing("notice")
		}
		mine := &Ack{Announcement: notice, Act: Acknowledged, At: c.Now.Unix(), scope: c.Self.Scope()}
		notices := &store.Fetch{Through: c.Self, Key: noticeKey(c.Self.Scope(), notice), Row: n}
		acks := &store.Fetch{Through: c.Self, Key: mine.Keys().Primary, Row: ack}
		if err := st.FetchAll(ctx, notices, acks); err != nil {
			return nil, err
		}
		if errors.Is(notices.Err, store.ErrMissing) {
			return nil, problem.Missing("notice")
		}
		if err := errors.Join(notices.Err, store.Except(acks.Err, store.ErrMissing)); err != nil {
			return nil, err
		}
		if acks.Err == nil {
			return &Out{body(n, []*Ack{ack})}, nil
		}
		tx := st.Begin()
		tx.Create(c.Self, mine)
		if err := c.Commit(ctx, tx, in.ID); err != nil && !errors.Is(err, store.ErrExists) {
			return nil, err
		}
		return &Out{body(n, []*Ack{mine})}, nil
	})
}
