package projects

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// looksAtOnce is for how many projects it is looked at the same time when they were last used.
const looksAtOnce = 10

// asNow stands for the days that the settings say.
const asNow = -1

// PreviewIn is the input of preview-retention.
type PreviewIn struct {
	api.Page
	Days  int    `query:"retention_days" minimum:"-1" maximum:"3660" default:"-1" doc:"How long project data would be kept, as in the settings; -1 is as they say now." example:"365"`
	Event string `query:"retention_event" enum:"last_activity,archive,close" doc:"What the days would be counted from; without it as the settings say now."`
}

// PreviewBody is a project whose data a setting gives an end.
type PreviewBody struct {
	ProjectID  string    `json:"project_id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Key        string    `json:"key" example:"WEB"`
	Name       string    `json:"name" example:"New web site"`
	StartedAt  time.Time `json:"started_at" doc:"What the days are counted from."`
	Over       bool      `json:"over" doc:"Whether the time is over, so that the owner is told at once."`
	Announced  bool      `json:"announced" doc:"Whether the owner has been told."`
	DeletionAt time.Time `json:"deletion_at" doc:"When it would be deleted with its hours and files, if nothing happens on it until then: at least 14 days after the owner was told."`
}

// PreviewOut is the answer of preview-retention.
type PreviewOut struct{ Body api.List[PreviewBody] }

// PreviewRetention shows what a setting would delete and when, before it is made.
func PreviewRetention() api.Operation {
	at := example().UpdatedAt
	return api.New(api.Route{
		ID: "preview-retention", Area: "organization", Method: http.MethodGet, Path: "/v1/org/retention/preview", ReadsAhead: true,
		Permission: access.OrganizationWrite, Purpose: purpose.PrivacyRights, Summary: "What a retention of project data would delete",
		Description: "The projects to which a setting, that of today or another, gives an end, in the order in which they were added; a page may hold fewer than asked for. " +
			"Nothing changes by it. What must be kept by law stays beyond that day.",
		ExampleOut: api.List[PreviewBody]{Data: []PreviewBody{{ProjectID: example().ID, Key: example().Key, Name: example().Name, StartedAt: at, DeletionAt: at.AddDate(2, 0, 0)}}},
	}, func(ctx context.Context, c *api.Caller, in *PreviewIn) (*PreviewOut, error) {
		if in.Days != asNow && !retention.ValidDays(in.Days) {
			return nil, problem.InvalidField("query.retention_days", "0, or 30 to 3660 days")
		}
		rows, cursor, err := store.List[Project](ctx, c.Org, store.Query{Partition: c.Org.Scope().Partition(Family), Limit: in.Limit, Cursor: in.Cursor})
		if err != nil {
			return nil, api.ListError(err)
		}
		if err := c.Checked(); err != nil {
			return nil, err
		}
		rule := retention.ProjectRuleOf(c.Gate)
		if in.Days != asNow {
			rule.Days = in.Days
		}
		if in.Event != "" {
			rule.Event = retention.Event(in.Event)
		}
		last, err := lastUses(ctx, c.Org, rows, rule)
		if err != nil {
			return nil, err
		}
		out := &PreviewOut{api.List[PreviewBody]{Data: []PreviewBody{}, NextCursor: cursor}}
		for n, p := range rows {
			v := p.judge(rule, last[n], c.Now)
			if v.step == rest {
				continue
			}
			start, _ := p.started(rule.Event, last[n])
			out.Body.Data = append(out.Body.Data, PreviewBody{ProjectID: string(p.ID), Key: p.Short, Name: p.Name, StartedAt: start,
				Over: !rule.Ends(start).After(c.Now), Announced: p.Goes != 0, DeletionAt: v.ends})
		}
		return out, nil
	})
}

// lastUses is when hours or files last came under each of some projects, as far as a rule asks for it.
func lastUses(ctx context.Context, org *store.Organization, rows []*Project, r retention.ProjectRule) ([]time.Time, error) {
	last := make([]time.Time, len(rows))
	if r.Days == 0 || r.Event == retention.Archived {
		return last, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for n, p := range rows {
		g.Go(func() (err error) {
			last[n], err = used(ctx, org, p.ID)
			return err
		})
	}
	return last, g.Wait()
}
