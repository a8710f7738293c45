package picture

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// Kind is a kind of pictures, with the routes under which it is put, shown and removed.
type Kind struct {
	Name     string // avatar: of the routes, the codes of refusals and the file
	What     string // your picture, in the routes' summaries
	Path     string
	Area     string
	Audience api.Audience
	Read     access.Permission // of members: who sees it
	Write    access.Permission // and who puts or removes it
	Purpose  string
	Audit    bool
	Style    Style
	Remains  string                    // what is said of copies that stay when one is removed
	Of       func(c *api.Caller) Owner // whose it is
}

// MaxUpload is how many bytes an upload may have.
const MaxUpload = 10 << 20

// Granter lets clients upload into a bucket.
type Granter interface {
	Grant(ctx context.Context, key string, u blob.Upload, life time.Duration) (blob.Grant, error)
}

// Incoming is the bucket that clients upload to.
type Incoming interface {
	Stat(ctx context.Context, key string) (blob.Stat, error)
	Head(ctx context.Context, key, etag string, n int64) ([]byte, error)
	Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
}

// Remover deletes every version of the objects whose keys begin with a prefix.
type Remover interface {
	Purge(ctx context.Context, prefix string) (int, error)
}

// Linker gives links to objects.
type Linker interface {
	Link(ctx context.Context, key, fileName string, life time.Duration) (string, error)
}

// Keeper is the bucket that pictures are kept in.
type Keeper interface {
	Remover
	Linker
	Put(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
}

// Scaler draws an upload anew. It fails with ErrUnreadable and ErrTooLarge.
type Scaler func(upload []byte, s Style) (Scaled, error)

// promptly is how long a call whose row is written waits for the buckets before it leaves them to the sweep.
const promptly = 5 * time.Second

// meetings bounds how often a call meets another writer of the same row.
const meetings = 5

// Body is a picture on the wire.
type Body struct {
	ID        string    `json:"id" example:"pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	URL       string    `json:"url" format:"uri" doc:"Leads to the picture for five minutes."`
	SmallURL  string    `json:"small_url" format:"uri" doc:"Leads to a smaller one for five minutes."`
	MediaType string    `json:"media_type" example:"image/jpeg"`
	Width     int       `json:"width" doc:"Of the larger one, in dots." example:"512"`
	Height    int       `json:"height" example:"512"`
	ExpiresAt time.Time `json:"expires_at" doc:"When the links end."`
	Since     time.Time `json:"since" doc:"When it was put."`
}

// Out is the answer of the routes that show a picture.
type Out struct {
	api.Tagged
	Body Body
}

func (k Kind) example() Body {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	b := Body{ID: "pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", URL: "https://files.example.com/…", SmallURL: "https://files.example.com/…", MediaType: "image/jpeg",
		Width: k.Style.Large, Height: k.Style.Large, ExpiresAt: at.Add(LinkLife), Since: at}
	if !k.Style.Square {
		b.MediaType, b.Height = "image/png", k.Style.Large/4
	}
	return b
}

// route is what the routes of a kind have in common.
func (k Kind) route(verb, method, path string) api.Route {
	return api.Route{ID: verb + "-" + k.Name, Area: k.Area, Method: method, Path: k.Path + path, Audience: k.Audience, Permission: k.Write, Purpose: k.Purpose,
		Audit: k.Audit, ReadsAhead: true}
}

func (k Kind) missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: k.Name + "_not_found", When: "There is none."}
}

func kept() api.Refusal {
	return api.Refusal{Kind: problem.Conflict, Code: "kept_by_law", When: "A legal hold keeps the picture that is there."}
}

func keptByLaw() error {
	return problem.Of(problem.Conflict, "kept_by_law", "The picture that is there must be kept for now.")
}

// show answers with links to a picture.
func (k Kind) show(ctx context.Context, pictures Linker, p *Picture, now time.Time) (*Out, error) {
	if p == nil || p.ID == "" {
		return nil, problem.Missing(k.Name)
	}
	out := &Out{Tagged: api.Tag(p.Version), Body: Body{ID: string(p.ID), MediaType: p.MediaType, Width: p.Width, Height: p.Height,
		ExpiresAt: now.Add(LinkLife).UTC().Truncate(time.Second), Since: time.Unix(p.Since, 0).UTC()}}
	var err error
	if out.Body.URL, err = pictures.Link(ctx, p.Object, p.Name, LinkLife); err != nil {
		return nil, err
	}
	out.Body.SmallURL, err = pictures.Link(ctx, p.Small, p.Name, LinkLife)
	return out, err
}

// Get shows a picture.
func (k Kind) Get(pictures Linker) api.Operation {
	r := k.route("get", http.MethodGet, "")
	r.Permission, r.Audit, r.ReadsAhead, r.PureRead, r.Rights = k.Read, false, false, true, k.Audience == api.Users
	r.Summary, r.Description = "See "+k.What, "Links to it in two sizes, drawn anew from what was uploaded and without anything else that was in it."
	r.Refusals, r.ExampleOut = []api.Refusal{k.missing()}, k.example()
	return api.New(r, func(ctx context.Context, c *api.Caller, _ *struct{}) (*Out, error) {
		p, err := Read(ctx, k.Of(c))
		if err != nil {
			return nil, err
		}
		return k.show(ctx, pictures, p, c.Now)
	})
}

// PutIn announces a picture.
type PutIn struct{ Body PutBody }

// PutBody says what will be uploaded.
type PutBody struct {
	Size      int64  `json:"size" minimum:"1" maximum:"10485760" doc:"In bytes, exactly; at most 10 MiB." example:"48213"`
	MediaType string `json:"media_type" enum:"image/jpeg,image/png,image/webp,image/gif" example:"image/jpeg"`
	SHA256    string `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the bytes, in hex." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

// GrantedBody is the right to upload one picture.
type GrantedBody struct {
	UploadID string     `json:"upload_id" doc:"Names it in the confirmation." example:"pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Upload   UploadBody `json:"upload"`
}

// UploadBody is how to upload.
type UploadBody struct {
	Method    string            `json:"method" enum:"PUT"`
	URL       string            `json:"url" format:"uri" doc:"Takes the announced bytes and nothing else, once."`
	Headers   map[string]string `json:"headers" doc:"To be sent as they are; the link is signed with them. A browser sends content-length by itself."`
	ExpiresAt time.Time         `json:"expires_at"`
}

// PutOut is the answer of the routes that announce a picture.
type PutOut struct{ Body GrantedBody }

// Put announces a picture and grants its upload. What is shown stays until the upload is confirmed.
func (k Kind) Put(st *store.Store, incoming Granter) api.Operation {
	e, at := PutBody{Size: 48213, MediaType: "image/jpeg", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}, time.Date(2026, 3, 2, 9, 15, 0, 0, time.UTC)
	r := k.route("put", http.MethodPut, "")
	r.Summary = "Ask for the upload of " + k.What
	r.Description = "Answers a link that takes the announced bytes for 15 minutes: PUT them there with the headers given, then confirm. What is shown stays until then. " +
		"A later call takes the place of an earlier one. What is not confirmed within 24 hours is removed."
	r.Refusals, r.ExampleIn = []api.Refusal{kept()}, e
	r.ExampleOut = GrantedBody{UploadID: "pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Upload: UploadBody{Method: http.MethodPut, URL: "https://incoming.example.com/…", ExpiresAt: at,
		Headers: map[string]string{"content-length": "48213", "content-type": "image/jpeg", "if-none-match": "*", "x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}}}
	return api.New(r, func(ctx context.Context, c *api.Caller, in *PutIn) (*PutOut, error) {
		sum, err := hex.DecodeString(in.Body.SHA256)
		if err != nil {
			return nil, problem.InvalidField("body.sha256", "not a SHA-256 in hex")
		}
		h := k.Of(c)
		u := &Upload{ID: api.NewID[id.Picture](c), Size: in.Body.Size, SHA256: in.Body.SHA256, Until: c.Now.Add(GrantLife).Unix(), Clock: c.Now.Add(UploadLife).Unix()}
		grant, err := incoming.Grant(ctx, objects(h.Scope(), u.ID), blob.Upload{Size: u.Size, MediaType: in.Body.MediaType, SHA256: sum}, GrantLife)
		if err != nil {
			return nil, err
		}
		for range meetings {
			p, err := Read(ctx, h)
			if err != nil {
				return nil, err
			}
			if p == nil {
				p = new(Picture)
			}
			if p.held() {
				return nil, keptByLaw()
			}
			tx := st.Begin()
			if p.Upload != nil {
				p.end(tx, h, c.Now)
			}
			p.Upload = u
			p.save(tx, h)
			tx.Arm(h, due(h.Scope(), u.ID, u.Clock))
			err = c.Commit(ctx, tx, string(u.ID))
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &PutOut{Body: GrantedBody{UploadID: string(u.ID), Upload: UploadBody{Method: http.MethodPut, URL: grant.URL, Headers: grant.Headers,
				ExpiresAt: time.Unix(u.Until, 0).UTC()}}}, nil
		}
		return nil, store.ErrConflict
	})
}

// ConfirmIn says what was uploaded.
type ConfirmIn struct{ Body ConfirmBody }

// ConfirmBody names an upload.
type ConfirmBody struct {
	UploadID string `json:"upload_id" maxLength:"64" example:"pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Confirm draws what was uploaded and shows it in the place of what was there.
func (k Kind) Confirm(st *store.Store, incoming Incoming, pictures Keeper, scale Scaler) api.Operation {
	r := k.route("confirm", http.MethodPost, "/confirm")
	r.Summary = "Confirm that " + k.What + " was uploaded"
	r.Description = "It is drawn anew in two sizes and shown from then on; the upload itself is removed, and so is, in every version, what was shown before. Confirming it twice is confirming it once."
	if k.Style.Square {
		r.Description += fmt.Sprintf(" A square is cut from its middle, %d dots wide, and what is transparent becomes white.", k.Style.Large)
	} else {
		r.Description += fmt.Sprintf(" It keeps its shape, within %d dots, and what is transparent stays so.", k.Style.Large)
	}
	r.Refusals = []api.Refusal{{Kind: problem.NotFound, Code: "upload_not_found", When: "No such upload is waited for: it was never announced, another one took its place, or it is too late."},
		{Kind: problem.Invalid, Code: "picture_unreadable", When: "It is not a JPEG, PNG, WebP or GIF that can be read."},
		{Kind: problem.Invalid, Code: "picture_too_large", When: "It has more than 25 million dots."},
		{Kind: problem.Conflict, Code: "upload_missing", When: "Nothing was uploaded yet."},
		{Kind: problem.Conflict, Code: "upload_mismatch", When: "What lies there is not what was announced."}, kept()}
	r.ExampleIn, r.ExampleOut = ConfirmBody{UploadID: "pic_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, k.example()
	return api.Replayable(r, func(ctx context.Context, c *api.Caller, in *ConfirmIn) (*Out, error) {
		h := k.Of(c)
		var drawn *Scaled
		for range meetings {
			p, err := Read(ctx, h)
			if err != nil {
				return nil, err
			}
			switch {
			case p != nil && p.ID != "" && string(p.ID) == in.Body.UploadID:
				return k.show(ctx, pictures, p, c.Now)
			case p == nil || p.Upload == nil || string(p.Upload.ID) != in.Body.UploadID:
				return nil, problem.Missing("upload")
			case p.held():
				return nil, keptByLaw()
			}
			if err := c.Checked(); err != nil { // from here on something is written, to the bucket
				return nil, err
			}
			if drawn == nil {
				if drawn, err = draw(ctx, incoming, pictures, scale, h.Scope(), p.Upload, k.Style); err != nil {
					return nil, err
				}
			}
			old, u := p.ID, p.Upload
			tx := st.Begin()
			p.hide(tx, h, c.Now)
			p.end(tx, h, c.Now)
			p.show(h.Scope(), u.ID, k.Name, drawn, c.Now)
			p.save(tx, h)
			err = c.Commit(ctx, tx, string(u.ID))
			if errors.Is(err, store.ErrStale) {
				continue // another call was first; what it did decides
			}
			if err != nil {
				return nil, err
			}
			settle(ctx, incoming, pictures, h.Scope(), u.ID, old)
			return k.show(ctx, pictures, p, c.Now)
		}
		return nil, store.ErrConflict
	}, func(ctx context.Context, c *api.Caller, _ string) (*Out, error) {
		p, err := Read(ctx, k.Of(c))
		if err != nil {
			return nil, err
		}
		return k.show(ctx, pictures, p, c.Now)
	})
}

// show puts a picture that was drawn into the row.
func (p *Picture) show(s store.Scope, pic id.Picture, name string, d *Scaled, now time.Time) {
	p.ID, p.Name, p.MediaType, p.Width, p.Height, p.Since = pic, name+d.Extension, d.MediaType, d.Width, d.Height, now.Unix()
	p.Object, p.Small = objects(s, pic)+d.Extension, objects(s, pic)+"-small"+d.Extension
}

// draw draws an upload and stores what it drew. Done again it stores the same in the same places.
func draw(ctx context.Context, incoming Incoming, pictures Keeper, scale Scaler, s store.Scope, u *Upload, style Style) (*Scaled, error) {
	upload, err := u.take(ctx, incoming, s)
	if err != nil {
		return nil, err
	}
	d, err := scale(upload, style)
	switch {
	case errors.Is(err, ErrUnreadable):
		return nil, problem.Of(problem.Invalid, "picture_unreadable", "It is not a JPEG, PNG, WebP or GIF that can be read.")
	case errors.Is(err, ErrTooLarge):
		return nil, problem.Of(problem.Invalid, "picture_too_large", "A picture has at most 25 million dots.")
	case err != nil:
		return nil, err
	}
	var p Picture
	p.show(s, u.ID, "", &d, time.Time{})
	if err := pictures.Put(ctx, p.Object, d.MediaType, bytes.NewReader(d.Large)); err != nil {
		return nil, err
	}
	return &d, pictures.Put(ctx, p.Small, d.MediaType, bytes.NewReader(d.Small))
}

// settle removes what a confirmation leaves: the bytes of the upload, in whose place nothing is put, so that its link finds
// it taken, and every version of what was shown before. What fails is done by the sweep.
func settle(ctx context.Context, incoming Incoming, pictures Remover, s store.Scope, upload, old id.Picture) {
	short, cancel := context.WithTimeout(ctx, promptly)
	defer cancel()
	_ = incoming.Put(short, objects(s, upload), "application/octet-stream", bytes.NewReader(nil))
	if old != "" {
		_, _ = pictures.Purge(short, objects(s, old))
	}
}

// DeleteIn is the input of the routes that remove a picture.
type DeleteIn struct{ api.IfMatch }

// Delete removes a picture, and an upload that is waited for.
func (k Kind) Delete(st *store.Store, incoming, pictures Remover) api.Operation {
	r := k.route("delete", http.MethodDelete, "")
	r.Status = http.StatusNoContent
	r.Summary = "Remove " + k.What
	r.Description = "It is gone at once, in every size and version; links that were given lead nowhere." + k.Remains
	r.Refusals = []api.Refusal{k.missing(), kept()}
	return api.New(r, func(ctx context.Context, c *api.Caller, in *DeleteIn) (*struct{}, error) {
		h := k.Of(c)
		p, err := Read(ctx, h)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, problem.Missing(k.Name)
		}
		if err := in.Matches(p.Version); err != nil {
			return nil, err
		}
		if p.held() {
			return nil, keptByLaw()
		}
		var gone []id.Picture
		tx := st.Begin()
		if p.ID != "" {
			gone = append(gone, p.ID)
			p.hide(tx, h, c.Now)
		}
		if p.Upload != nil {
			gone = append(gone, p.Upload.ID)
			p.end(tx, h, c.Now)
		}
		p.save(tx, h)
		if err := c.Commit(ctx, tx, string(gone[0])); err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, promptly)
		defer cancel()
		for _, pic := range gone {
			_ = wipe(short, h.Scope(), pic, incoming, pictures) // what fails is done by the sweep, which looks at it in any case
		}
		return nil, nil
	})
}

// wipe deletes every version of every object of one picture.
func wipe(ctx context.Context, s store.Scope, pic id.Picture, incoming, pictures Remover) error {
	_, came := incoming.Purge(ctx, objects(s, pic))
	_, lay := pictures.Purge(ctx, objects(s, pic))
	return errors.Join(came, lay)
}
