package files

import (
	"context"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds files.
const Family store.Family = "STOREDFILE"

// State says whether the bytes of a file are there.
type State string

// The states of a file. A deleted file is gone.
const (
	PendingUpload State = "pending_upload"
	Available     State = "available"
)

// Scan says what a scanner found in a file. It is the gate of every download.
type Scan string

// The states of a scan. Without a scanner a file stays unscanned, and can be downloaded.
const (
	Unscanned   Scan = "unscanned"
	ScanPending Scan = "pending" // a scanner has yet to look at it
	Clean       Scan = "clean"
	Infected    Scan = "infected"
)

// File is something that a member uploaded to a project, a client or a ticket. Its bytes lie in the files bucket under Object, in
// as many versions as were written there; before it is confirmed they lie at most in the incoming bucket.
type File struct {
	store.Meta
	Org        id.Organization `dynamo:"org"`
	ID         id.File         `dynamo:"id"`
	Member     id.Member       `dynamo:"member"` // who asked for the upload
	Name       string          `dynamo:"name"`
	Size       int64           `dynamo:"size"`       // bytes
	MediaType  string          `dynamo:"media_type"` // as declared; confirmed files have content that does not contradict it
	SHA256     string          `dynamo:"sha256"`     // in hex
	ParentType ParentType      `dynamo:"parent_type"`
	Parent     string          `dynamo:"parent"`
	State      State           `dynamo:"state"`
	Scan       Scan            `dynamo:"scan,omitempty"`   // of a file that is there
	Object     string          `dynamo:"object,omitempty"` // its key in the files bucket, of a file that is there
	Until      int64           `dynamo:"until"`            // epoch seconds; when the link of the upload ends
	Clock      int64           `dynamo:"clock"`            // epoch seconds; when the sweep looks at it
	Created    int64           `dynamo:"created"`          // epoch milliseconds
	Updated    int64           `dynamo:"updated"`          // epoch milliseconds
}

// Type is the row's type.
func (f *File) Type() string { return "STOREDFILE" }

// Keys lists files by id, by who uploaded them, and under their parent by time of change.
func (f *File) Keys() store.Keys {
	s := store.OrganizationScope(f.Org)
	return store.Keys{
		Primary: Key(f.Org, f.ID),
		Index1:  store.Key{PK: s.Partition(Family, string(f.Member)), SK: string(f.ID)},
		Index2:  s.Updated(Family, time.UnixMilli(f.Updated), string(f.ID), f.Parent),
	}
}

// Key is where a file's row lies.
func Key(org id.Organization, f id.File) store.Key {
	return store.OrganizationScope(org).Key(Family, string(f))
}

// DueUpload is the clock of what is to be cleared away after an upload: the file that never came, the place that it was
// uploaded to, or what a deletion left.
const DueUpload store.DueKind = "upload"

func (f *File) due() *store.Due {
	return store.NewDue(DueUpload, time.Unix(f.Clock, 0), Key(f.Org, f.ID))
}

// move sets the file's clock in a transaction.
func (f *File) move(tx *store.Tx, h store.Bound, to int64) {
	if to == f.Clock {
		return
	}
	tx.Disarm(h, f.due(), false)
	f.Clock = to
	tx.Arm(h, f.due())
}

// touch sets when the file was changed.
func (f *File) touch(now time.Time) { f.Updated = now.UnixMilli() }

// objectKey is where the bytes of a file lie, in either bucket: the product's choice, and nothing of its name.
func objectKey(org id.Organization, f id.File) string {
	return blob.KeyPrefix(store.OrganizationScope(org)) + string(f)
}

// Read reads a file by an id as it came in.
func Read(ctx context.Context, org *store.Organization, text string) (*File, error) {
	return api.Find[File](ctx, org, "file", text, func(f id.File) store.Key { return Key(org.ID, f) })
}

// FileBody is a file on the wire.
type FileBody struct {
	ID         string     `json:"id" example:"fil_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name       string     `json:"name" example:"Offer.pdf"`
	Size       int64      `json:"size" doc:"In bytes." example:"48213"`
	MediaType  string     `json:"media_type" example:"application/pdf"`
	SHA256     string     `json:"sha256" doc:"In hex."`
	ParentType ParentType `json:"parent_type" enum:"project,client,ticket"`
	ParentID   string     `json:"parent_id" example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	UploadedBy string     `json:"uploaded_by" doc:"The member who asked for the upload." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	State      State      `json:"state" enum:"pending_upload,available" doc:"Pending: the upload is not confirmed; 24 hours after it was asked for the file is gone."`
	Scan       Scan       `json:"scan,omitempty" enum:"unscanned,pending,clean,infected" doc:"Of an available file: what a scanner found. Without a scanner it is unscanned, and can be downloaded."`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	Upload     *Upload    `json:"upload,omitempty" doc:"Only in the answer of the call that asked for the upload, and in no other."`
}

// Upload is the right to upload the bytes of one file.
type Upload struct {
	Method    string            `json:"method" enum:"PUT"`
	URL       string            `json:"url" format:"uri" doc:"Takes the announced bytes and nothing else, once."`
	Headers   map[string]string `json:"headers" doc:"To be sent as they are; the link is signed with them. A browser sends content-length by itself."`
	ExpiresAt time.Time         `json:"expires_at"`
}

func body(f *File) FileBody {
	return FileBody{ID: string(f.ID), Name: f.Name, Size: f.Size, MediaType: f.MediaType, SHA256: f.SHA256, ParentType: f.ParentType, ParentID: f.Parent,
		UploadedBy: string(f.Member), State: f.State, Scan: f.Scan, CreatedAt: time.UnixMilli(f.Created).UTC(), UpdatedAt: time.UnixMilli(f.Updated).UTC()}
}

func example() FileBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return FileBody{ID: "fil_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Offer.pdf", Size: 48213, MediaType: "application/pdf",
		SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ParentType: OfProject, ParentID: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		UploadedBy: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", State: Available, Scan: Unscanned, CreatedAt: at, UpdatedAt: at}
}

// Out is the answer of a route about one file.
type Out struct {
	api.Tagged
	Body FileBody
}

func show(f *File) *Out { return &Out{Tagged: api.Tag(f.Version), Body: body(f)} }
