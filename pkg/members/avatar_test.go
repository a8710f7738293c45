package members_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg"
	"io"
	"net/http"
	"testing"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/picture/picturetest"
	"pixeltrack.io/platform/pkg/picture/scaling"
	"pixeltrack.io/platform/pkg/store"
)

// gallery is a world with the buckets of pictures.
type gallery struct {
	world
	incoming, kept *blobtest.Bucket
}

func newGallery(t *testing.T) gallery {
	return gallery{world{apitest.New(t)}, &blobtest.Bucket{Overwrites: true}, new(blobtest.Bucket)}
}

// portray gives somebody a picture of one color.
func (g gallery) portray(c apitest.Caller, in color.Color) {
	g.T.Helper()
	content := picturetest.PNG(g.T, in, 600, 600)
	a := g.Call(account.PutAvatar(g.Store, g.incoming), c, apitest.Request{Body: picturetest.Announce(content, "image/png")})
	g.Want(a, http.StatusOK, "")
	var b picture.GrantedBody
	a.Into(g.T, &b)
	if err := g.incoming.Send(b.Upload.URL, content); err != nil {
		g.T.Fatal(err)
	}
	g.Want(g.Call(account.ConfirmAvatar(g.Store, g.incoming, g.kept, scaling.Scale), c, apitest.Request{Body: map[string]any{"upload_id": b.UploadID}}), http.StatusOK, "")
}

func (g gallery) see(by apitest.Caller, of apitest.Caller, size string) apitest.Answer {
	return g.seeIn(g.kept, by, of, size)
}

func (g gallery) seeIn(pictures picture.Opener, by, of apitest.Caller, size string) apitest.Answer {
	return g.Call(members.GetMemberAvatar(pictures), by, apitest.Request{Path: "/v1/members/" + string(of.Member) + "/avatar" + size})
}

// wide is how wide a picture is, in dots, and whether it is more red than blue.
func (g gallery) wide(a apitest.Answer) (int, bool) {
	g.T.Helper()
	g.Want(a, http.StatusOK, "")
	m, _, err := image.Decode(bytes.NewReader(a.Body))
	if err != nil {
		g.T.Fatal(err)
	}
	r, _, b, _ := m.At(5, 5).RGBA()
	return m.Bounds().Dx(), r > b
}

var red, blue = color.RGBA{R: 255, A: 255}, color.RGBA{B: 255, A: 255}

func TestAColleagueSeesAPicture(t *testing.T) {
	g := newGallery(t)
	owner := g.Organization()
	bob := g.Member(owner.Org, access.Contributor)
	g.Want(g.see(owner, bob, ""), http.StatusNotFound, "avatar_not_found")
	g.portray(bob, red)
	for size, want := range map[string]int{"": 64, "?size=small": 64, "?size=large": 512} {
		a := g.see(owner, bob, size)
		if wide, isRed := g.wide(a); wide != want || !isRed || a.Header.Get("Content-Type") != "image/jpeg" || a.Header.Get("Cache-Control") != "private, max-age=300" {
			t.Errorf("%q shows %d dots, red: %v, with %v; want %d and red, a JPEG that is kept for five minutes", size, wide, isRed, a.Header, want)
		}
	}
	g.portray(bob, blue)
	if _, isRed := g.wide(g.see(g.Member(owner.Org, access.Accountant), bob, "")); isRed {
		t.Error("the picture is the one before; want the new one under the same address")
	}
	g.Want(g.Call(account.DeleteAvatar(g.Store, g.incoming, g.kept), bob, apitest.Request{IfMatch: "*"}), http.StatusNoContent, "")
	g.Want(g.see(owner, bob, ""), http.StatusNotFound, "avatar_not_found")
}

func TestWhosePictureIsNotShown(t *testing.T) {
	g := newGallery(t)
	owner, stranger := g.Organization(), g.Organization()
	bob, restricted, guest := g.Member(owner.Org, access.Contributor), g.Member(owner.Org, access.Contributor), g.Member(owner.Org, access.Guest)
	for _, c := range []apitest.Caller{owner, stranger, bob, restricted} {
		g.portray(c, red)
	}
	g.wide(g.see(owner, bob, ""))
	g.Want(g.remove(owner, bob), http.StatusNoContent, "")
	tx := g.Store.Begin()
	tx.Change(g.Store.BindUser(restricted.User, store.Actor{Who: "test"}), picture.Key(store.UserScope(restricted.User)), func(u *dynamo.Update) { u.Set("restricted", true) })
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		a      apitest.Answer
		status int
		code   string
	}{
		{"of who was removed", g.see(owner, bob, ""), 404, "avatar_not_found"},
		{"of who has processing restricted", g.see(owner, restricted, ""), 404, "avatar_not_found"},
		{"of another organization's member", g.see(owner, stranger, ""), 404, "member_not_found"},
		{"of one that never was", g.see(owner, apitest.Caller{Member: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, ""), 404, "member_not_found"},
		{"of what is no member", g.see(owner, apitest.Caller{Member: "x"}, ""), 404, "member_not_found"},
		{"to a guest", g.see(guest, owner, ""), 403, "permission_denied"},
		{"in another size", g.see(owner, owner, "?size=huge"), 422, "invalid_input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { g.In(t).Want(tt.a, tt.status, tt.code) })
	}
}

// meeting is a bucket in which something happens before the first object is opened, which is then gone.
type meeting struct {
	picture.Opener
	first func()
}

func (m *meeting) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if do := m.first; do != nil {
		m.first = nil
		do()
		return nil, blob.ErrMissing
	}
	return m.Opener.Open(ctx, key)
}

// broken is a bucket that cannot be read.
type broken struct{}

func (broken) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("no connection")
}

// TestAPictureThatIsReplacedThisMoment changes a picture between the look at its row and the look at its bytes.
func TestAPictureThatIsReplacedThisMoment(t *testing.T) {
	g := newGallery(t)
	owner := g.Organization()
	g.portray(owner, red)
	if _, isRed := g.wide(g.seeIn(&meeting{g.kept, func() { g.portray(owner, blue) }}, owner, owner, "")); isRed {
		t.Error("the picture is the one before; want the one that took its place")
	}
	g.Want(g.seeIn(&meeting{g.kept, func() {
		g.Want(g.Call(account.DeleteAvatar(g.Store, g.incoming, g.kept), owner, apitest.Request{IfMatch: "*"}), http.StatusNoContent, "")
	}}, owner, owner, ""), http.StatusNotFound, "avatar_not_found")
	g.portray(owner, red)
	g.Want(g.seeIn(broken{}, owner, owner, ""), http.StatusInternalServerError, "internal")
}
