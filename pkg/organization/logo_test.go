package organization_test

import (
	"image/color"
	"net/http"
	"strings"
	"testing"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/picture/picturetest"
	"pixeltrack.io/platform/pkg/picture/scaling"
)

// wall is a world with the buckets of logos.
type wall struct {
	world
	incoming, kept *blobtest.Bucket
}

func (w wall) put(c apitest.Caller, content []byte) apitest.Answer {
	return w.Call(organization.PutLogo(w.Store, w.incoming), c, apitest.Request{Body: picturetest.Announce(content, "image/png")})
}

func (w wall) confirm(c apitest.Caller, upload string) apitest.Answer {
	return w.Call(organization.ConfirmLogo(w.Store, w.incoming, w.kept, scaling.Scale), c, apitest.Request{Body: map[string]any{"upload_id": upload}})
}

func (w wall) get(c apitest.Caller) apitest.Answer {
	return w.Call(organization.GetLogo(w.kept), c, apitest.Request{})
}

func (w wall) del(c apitest.Caller, match string) apitest.Answer {
	return w.Call(organization.DeleteLogo(w.Store, w.incoming, w.kept), c, apitest.Request{IfMatch: match})
}

// hang puts a logo.
func (w wall) hang(c apitest.Caller, content []byte) picture.Body {
	w.T.Helper()
	a := w.put(c, content)
	w.Want(a, http.StatusOK, "")
	var g picture.GrantedBody
	a.Into(w.T, &g)
	if err := w.incoming.Send(g.Upload.URL, content); err != nil {
		w.T.Fatal(err)
	}
	a = w.confirm(c, g.UploadID)
	w.Want(a, http.StatusOK, "")
	var b picture.Body
	a.Into(w.T, &b)
	return b
}

// A logo replaced or removed leaves nothing of itself, in any version.
func TestALogoGoesInEveryVersion(t *testing.T) {
	w := wall{world{apitest.New(t), new(keystest.Vault)}, &blobtest.Bucket{Overwrites: true}, new(blobtest.Bucket)}
	ada, bob := w.Organization(), w.Organization()
	admin := w.Member(ada.Org, access.Admin)
	first := w.hang(ada, picturetest.PNG(t, color.Black, 1200, 300))
	if first.Width != 600 || first.Height != 150 || first.MediaType != "image/png" || !strings.Contains(first.URL, "name=logo.png") {
		t.Errorf("the logo = %+v; want it in its shape", first)
	}
	second := w.hang(admin, picturetest.PNG(t, color.White, 40, 40))
	if all := strings.Join(w.kept.Keys(), " "); strings.Contains(all, first.ID) || strings.Count(all, "ORG/"+string(ada.Org)+"/pictures/"+second.ID) != 2 {
		t.Errorf("after a replacement there is %s; want the two sizes of the new logo alone", all)
	}
	for _, role := range []access.Role{access.Manager, access.Contributor, access.Accountant} {
		m := w.Member(ada.Org, role)
		w.Want(w.get(m), http.StatusOK, "")
		w.Want(w.put(m, []byte("x")), http.StatusForbidden, "permission_denied")
		w.Want(w.confirm(m, second.ID), http.StatusForbidden, "permission_denied")
		w.Want(w.del(m, "*"), http.StatusForbidden, "permission_denied")
	}
	w.Want(w.get(w.Member(ada.Org, access.Guest)), http.StatusForbidden, "permission_denied")
	w.Want(w.get(bob), http.StatusNotFound, "logo_not_found")
	w.Want(w.confirm(bob, second.ID), http.StatusNotFound, "upload_not_found")
	w.Want(w.del(bob, "*"), http.StatusNotFound, "logo_not_found")
	tag := w.get(ada).Header.Get("ETag")
	w.hang(admin, picturetest.PNG(t, color.Black, 40, 40))
	w.Want(w.del(ada, tag), http.StatusPreconditionFailed, "stale_version")
	w.Want(w.del(ada, w.get(ada).Header.Get("ETag")), http.StatusNoContent, "")
	if all := w.kept.Keys(); len(all) != 0 {
		t.Errorf("after a removal there is %q; want nothing", all)
	}
	w.Want(w.get(ada), http.StatusNotFound, "logo_not_found")
}
