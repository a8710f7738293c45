package files

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// The lives of an upload: of its link, and of what was asked for and never came.
const (
	GrantLife  = 15 * time.Minute
	UploadLife = 24 * time.Hour
)

// Granter lets clients upload into a bucket.
type Granter interface {
	Grant(ctx context.Context, key string, u blob.Upload, life time.Duration) (blob.Grant, error)
}

// MaxSize is how many bytes one file may have on a plan.
func MaxSize(plan string) int64 {
	switch plan {
	case "agency":
		return 1 << 30
	case "pro":
		return 250 << 20
	}
	return 25 << 20
}

// CreateIn is the input of create-file.
type CreateIn struct {
	Body CreateBody
}

// CreateBody announces a file.
type CreateBody struct {
	Name       string     `json:"name" minLength:"1" maxLength:"1000" doc:"What a path or a control character would be is taken out of it." example:"Offer.pdf"`
	Size       int64      `json:"size" minimum:"1" maximum:"5368709120" doc:"In bytes, exactly. At most 25 MiB on the plan Free, 250 MiB on Pro, 1 GiB on Agency." example:"48213"`
	MediaType  string     `json:"media_type" minLength:"3" maxLength:"127" pattern:"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$" doc:"Without parameters. The content must not contradict it." example:"application/pdf"`
	SHA256     string     `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the bytes, in hex." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	ParentType ParentType `json:"parent_type" enum:"project,client,ticket" doc:"What the file hangs on. What hangs on a ticket is seen by who sees the ticket, and by PixelTrack's support."`
	ParentID   string     `json:"parent_id" minLength:"1" maxLength:"64" doc:"A project that is not archived, an active client, or a ticket that is not closed." example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func (b CreateBody) file(c *api.Caller) (*File, error) {
	f := &File{Org: c.Org.ID, ID: api.NewID[id.File](c), Member: c.Member, Name: Name(b.Name), Size: b.Size, SHA256: b.SHA256,
		ParentType: b.ParentType, Parent: b.ParentID, State: PendingUpload, Until: c.Now.Add(GrantLife).Unix(), Clock: c.Now.Add(UploadLife).Unix(),
		Created: c.Now.UnixMilli(), Updated: c.Now.UnixMilli()}
	f.DueAt = f.Clock // nobody sees it after its time, however late the sweep is
	if f.Name == "" {
		return nil, problem.InvalidField("body.name", "not a file name")
	}
	var ok bool
	if f.MediaType, ok = mediaType(b.MediaType); !ok {
		return nil, problem.InvalidField("body.media_type", "not a media type")
	}
	return f, nil
}

// CreateFile announces a file and grants its upload.
func CreateFile(st *store.Store, incoming Granter) api.Operation {
	e := example()
	e.State, e.Scan = PendingUpload, ""
	e.Upload = &Upload{Method: http.MethodPut, URL: "https://incoming.example.com/…", ExpiresAt: e.CreatedAt.Add(GrantLife),
		Headers: map[string]string{"content-length": "48213", "content-type": "application/pdf", "if-none-match": "*", "x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}}
	return api.Replayable(api.Route{
		ID: "create-file", Area: "files", Method: http.MethodPost, Path: "/v1/files", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.FilesWrite, Purpose: purpose.ServiceDelivery, Summary: "Ask for the upload of a file",
		Description: "Answers the file, pending, and a link that takes the announced bytes for 15 minutes: PUT them there with the headers given, then confirm. " +
			"The link is shown once: a repeat under the same Idempotency-Key answers the file as it is now, without it. " +
			"An upload that is not confirmed within 24 hours is removed with the file; whoever lost the link asks for another upload.",
		Refusals:   append(parentRefusals(), api.Refusal{Kind: problem.PlanRequired, Code: "file_too_large", When: "The plan allows smaller files only; details say how large."}),
		ExampleIn:  CreateBody{Name: e.Name, Size: e.Size, MediaType: e.MediaType, SHA256: e.SHA256, ParentType: e.ParentType, ParentID: e.ParentID},
		ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*Out, error) {
		f, err := in.Body.file(c)
		if err != nil {
			return nil, err
		}
		on, err := parentOf(f.ParentType)
		if err != nil {
			return nil, err
		}
		open := missingParent(f.ParentType)
		if on.check(f.Parent) == nil {
			open = on.open(ctx, c, f.Parent)
		}
		if err := c.Checked(); err != nil {
			return nil, err
		}
		if limit := MaxSize(c.Gate.Plan); f.Size > limit {
			large := problem.Of(problem.PlanRequired, "file_too_large", "A file has at most %d bytes on your plan.", limit)
			large.Details = map[string]any{"limit": limit, "plan": c.Gate.Plan}
			return nil, large
		}
		if open != nil {
			return nil, open
		}
		upload, err := grant(ctx, incoming, f)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		on.attach(tx, c.Org, f.Parent, f.ID)
		tx.Create(c.Org, f)
		tx.Arm(c.Org, f.due())
		if err := c.Commit(ctx, tx, string(f.ID)); err != nil {
			return nil, on.refused(ctx, c.Org, f.Parent, err)
		}
		out := show(f)
		out.Body.Upload = upload
		return out, nil
	}, again)
}

func grant(ctx context.Context, incoming Granter, f *File) (*Upload, error) {
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil {
		return nil, problem.InvalidField("body.sha256", "not a SHA-256 in hex")
	}
	g, err := incoming.Grant(ctx, objectKey(f.Org, f.ID), blob.Upload{Size: f.Size, MediaType: f.MediaType, SHA256: sum}, GrantLife)
	if err != nil {
		return nil, err
	}
	return &Upload{Method: http.MethodPut, URL: g.URL, Headers: g.Headers, ExpiresAt: time.Unix(f.Until, 0).UTC()}, nil
}

// again answers a repeat with the file as it is now.
func again(ctx context.Context, c *api.Caller, made string) (*Out, error) {
	f, err := seen(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return show(f), nil
}
