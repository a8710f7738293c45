// Package picture is the one picture of an account or an organization: announced, uploaded to the incoming bucket by a link
// that lets in just what was announced, confirmed, drawn anew in two sizes, and shown by links. What was uploaded is never
// shown to anybody, and goes when it was drawn. Package scaling draws.
package picture

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds pictures, of users and of organizations.
const Family store.Family = "PICTURE"

// The lives of an upload, as of a file's: of its link, and of what was announced and never came.
const (
	GrantLife  = 15 * time.Minute
	UploadLife = 24 * time.Hour
)

// LinkLife is how long a link to a picture counts.
const LinkLife = 5 * time.Minute

// Wait is how long after a change the objects of a picture are looked at again: by then every call that saw it as it was
// before has written or given up.
const Wait = time.Minute

// Style is how a picture is drawn.
type Style struct {
	Square       bool // the middle of it, on white; otherwise the whole, as it was
	Large, Small int  // the length of the longer side, in dots
}

// Scaled is a picture drawn anew in the sizes of its style.
type Scaled struct {
	Large, Small  []byte
	MediaType     string
	Extension     string
	Width, Height int // of the large one, in dots
}

// Why an upload cannot be drawn.
var (
	ErrUnreadable = errors.New("picture: not a JPEG, PNG, WebP or GIF that can be read")
	ErrTooLarge   = errors.New("picture: too many dots")
)

// Picture is what is shown of a user or an organization, and the upload that may take its place. It has no row while there
// is neither.
type Picture struct {
	store.Meta
	ID        id.Picture `dynamo:"id,omitempty"`     // of what is shown, none while nothing is
	Name      string     `dynamo:"name,omitempty"`   // as it is saved: avatar.jpg
	Object    string     `dynamo:"object,omitempty"` // the key of the large one in the files bucket
	Small     string     `dynamo:"small,omitempty"`  // the key of the small one
	MediaType string     `dynamo:"media_type,omitempty"`
	Width     int        `dynamo:"width,omitempty"`
	Height    int        `dynamo:"height,omitempty"`
	Since     int64      `dynamo:"since,omitempty"` // epoch seconds it is shown from
	Upload    *Upload    `dynamo:"upload,omitempty"`
	scope     store.Scope
}

// Upload is a picture that was announced.
type Upload struct {
	ID     id.Picture `dynamo:"id"`
	Size   int64      `dynamo:"size"`   // bytes
	SHA256 string     `dynamo:"sha256"` // in hex
	Until  int64      `dynamo:"until"`  // epoch seconds; when its link ends
	Clock  int64      `dynamo:"clock"`  // epoch seconds; when the sweep looks at it
}

// Type is the row's type.
func (p *Picture) Type() string { return "PICTURE" }

// Keys puts the picture into the scope of whom it is of.
func (p *Picture) Keys() store.Keys {
	if p.scope == (store.Scope{}) {
		return store.Keys{Primary: store.Key{PK: p.PK, SK: p.SK}}
	}
	return store.Keys{Primary: Key(p.scope)}
}

// Key is where the picture of a user or an organization lies.
func Key(s store.Scope) store.Key { return s.Key(Family, "picture") }

// held says whether the law keeps what is shown.
func (p *Picture) held() bool { return p.Held && p.ID != "" }

// DueSweep is the clock of one picture's objects: when it rings and it is not the one shown, they go.
const DueSweep store.DueKind = "picture"

// due is the clock of one picture, which is named behind the row's partition.
func due(s store.Scope, pic id.Picture, at int64) *store.Due {
	return store.NewDue(DueSweep, time.Unix(at, 0), s.Key(Family, string(pic)))
}

// objects is how the keys of all objects of one picture begin, in either bucket. Ids have one length.
func objects(s store.Scope, pic id.Picture) string {
	return blob.KeyPrefix(s) + "pictures/" + string(pic)
}

// Owner is the handle of whom a picture is of.
type Owner interface {
	store.Bound
	Scope() store.Scope
}

// Read reads the picture of a user or an organization, nil when there is none and none was announced.
func Read(ctx context.Context, h Owner) (*Picture, error) {
	p, err := store.Get[Picture](ctx, h, Key(h.Scope()))
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	return p, err
}

// save adds the row as it is now to a transaction; one with nothing in it goes.
func (p *Picture) save(tx *store.Tx, h Owner) {
	switch {
	case p.ID == "" && p.Upload == nil:
		tx.Delete(h, p)
	case p.Version == 0:
		p.scope = h.Scope()
		tx.Create(h, p).Else(store.ErrStale)
	default:
		tx.Replace(h, p)
	}
}

// end adds to a transaction that the upload is no more, whatever became of it, and when the sweep looks at what lies in its
// place: when nobody can write there any more, neither the holder of its link nor a confirmation under way.
func (p *Picture) end(tx *store.Tx, h Owner, now time.Time) {
	u := p.Upload
	p.Upload = nil
	if at := max(u.Until, now.Unix()) + int64(Wait.Seconds()); at != u.Clock {
		tx.Disarm(h, due(h.Scope(), u.ID, u.Clock), false)
		tx.Arm(h, due(h.Scope(), u.ID, at))
	}
}

// hide adds to a transaction that the picture is shown no more, and when its objects are looked at.
func (p *Picture) hide(tx *store.Tx, h Owner, now time.Time) {
	if p.ID != "" {
		tx.Arm(h, due(h.Scope(), p.ID, now.Add(Wait).Unix()))
	}
	p.ID, p.Name, p.Object, p.Small, p.MediaType, p.Width, p.Height, p.Since = "", "", "", "", "", 0, 0, 0
}

// take checks that what was uploaded is what was announced, and gives its bytes.
func (u *Upload) take(ctx context.Context, incoming Incoming, s store.Scope) ([]byte, error) {
	key := objects(s, u.ID)
	there, err := incoming.Stat(ctx, key)
	if errors.Is(err, blob.ErrMissing) {
		return nil, problem.Of(problem.Conflict, "upload_missing", "Nothing was uploaded yet.")
	}
	if err != nil {
		return nil, fmt.Errorf("look at the upload: %w", err)
	}
	if there.Size != u.Size || hex.EncodeToString(there.SHA256) != u.SHA256 {
		return nil, problem.Of(problem.Conflict, "upload_mismatch", "What lies there is not what was announced; announce another upload.")
	}
	upload, err := incoming.Head(ctx, key, there.ETag, u.Size)
	if errors.Is(err, blob.ErrMissing) || errors.Is(err, blob.ErrChanged) {
		return nil, problem.Of(problem.Conflict, "upload_missing", "What was uploaded has gone meanwhile.")
	}
	return upload, err
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Picture{}, Type: "PICTURE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.AccountManagement, Basis: registry.Contract,
		Class: registry.ClassAccount, Export: "pictures", Family: string(Family), Scopes: []registry.Scope{registry.InUser, registry.InOrganization}, Fields: []registry.Field{
			registry.Plain("id", "a random id"), registry.Plain("name", "a fixed word"),
			registry.Stored("object", registry.FilesBucket, "where the picture lies, by ids", registry.EraseWithRow),
			registry.Secret("small", "where the same picture lies, smaller", registry.EraseWithRow),
			registry.Plain("media_type", "a media type"), registry.Plain("width", "a count"), registry.Plain("height", "a count"), registry.Plain("since", "a time"),
			registry.Personal("upload", "upload", "a picture that was announced: its size, its hash and until when it is waited for", registry.EraseWithRow),
		}}}
}
