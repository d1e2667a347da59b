package key_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"esent/internal/engine/key"
	"esent/internal/jet"
	"esent/internal/testdata"
)

// sortKey is the Unicode segment of s without its prefix.
func sortKey(t testing.TB, c *key.Collation, s string) ([]byte, error) {
	ix := single(t, unicodeText)
	ix.KeyMost, ix.Collation = key.KeyMostMax, c
	b, _, err := key.AppendSegment(nil, &unicodeText, ix, key.Value{Data: utf16le(s)}, ix.KeyMost)
	if err != nil {
		return nil, err
	}
	return b[1:], nil
}

// TestSortKeys has the observed keys and weights of spec chapter 04, 10.3 and 10.4.
func TestSortKeys(t *testing.T) {
	const end = "01010101 00"
	cases := []struct {
		text  string
		flags uint32
		want  string
	}{
		{"F08\x00", 0, "0E23 0D03 0D28" + end},
		{"1-04 Creep.m4a\x00", 0, "0D1A 0D03 0D20 0702 0E0A 0E8A 0E21 0E21 0E7E 0733 0E51 0D20 0E02 01 01 01 01 FFFE 8212 00"},
		{"\x00", 0, end},
		{"Simple Unicode text 🦊", 0, "0E91 0E32 0E51 0E7E 0E48 0E21 0702 0E9F 0E70 0E32 0E0A 0E7C 0E1A 0E21 0702 0E99 0E21 0EA6 0E99 0702 B040 B686 01" +
			strings.Repeat("02", 20) + "3F3F 010101 00"},
		{"ab", 0, "0E02 0E09" + end},
		{"AB", 0, "0E02 0E09" + end},
		{"é", 0, "0E21 01 0E 010101 00"},
		{"ñ", 0, "0E70 01 19 010101 00"},
		{"ÿ", 0, "0EA7 01 13 010101 00"},
		{"ab\u0301", 0, "0E02 0E09 01 020E 010101 00"},
		{"å", 0, "0E02 01 1A 010101 00"},
		{"a\u030A", 0, "0E02 01 1A 010101 00"},
		{"a\u030A\u0301b", 0, "0E02 0E09 01 26 010101 00"},
		{"\u0301a", 0, "0E02 01 0C 010101 00"},
		{"cafés", 0, "0E0A 0E02 0E23 0E21 0E91 01 0202020E 010101 00"},
		{"æ", 0, "0E02 0E21" + end},
		{"Æ", 0, "0E02 0E21" + end},
		{"ß", 0, "0E91 0E91" + end},
		{"Œ", 0, "0E7C 0E21" + end},
		{"Þ", 0, "0E99 0E2C" + end},
		{"\uFB03", 0, "0E23 0E23 0E32" + end},
		{"Αβ", 0, "0F02 0F04" + end},
		{"Жж", 0, "101B 101B" + end},
		{"中", 0, "FDFF 3C97" + end},
		{"中\u0301", 0, "FDFF 3C97 01 0E 010101 00"},
		{"-a'b", 0, "0E02 0E09 01 01 01 01 FFFF 8212 FFFE 8012 00"},
		{"²", 0, "0D1C" + end},
		{"a-b", key.MapSortKey | key.MapIgnoreCase | key.MapIgnoreWidth | key.MapStringSort, "0E02 0682 0E09" + end},
		{"aB", key.MapSortKey, "0E02 0E09 01 01 0212 01 01 00"},
		{"Ab", key.MapSortKey, "0E02 0E09 01 01 12 01 01 00"},
		{"Æ", key.MapSortKey, "0E02 0E21 01 01 1212 01 01 00"},
		{"É-b", key.MapSortKey, "0E21 0E09 01 0E 01 12 01 01 FFFE 8212 00"},
		{"aB", key.MapSortKey | key.MapIgnoreCase, "0E02 0E09" + end},
		{"aß Éÿžω", key.MapUpperCase, "0041 00DF 0020 00C9 0178 017D 03A9 0000"},
	}
	for _, c := range cases {
		flags := c.flags
		if flags == 0 {
			flags = key.DefaultMapFlags
		}
		got, err := sortKey(t, collation(t, flags), c.text)
		if want := unhex(t, c.want); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q %#x: got %X, %v, want %X", c.text, flags, got, err, want)
		}
	}
}

// TestSortKeyRefuses checks that what is not known to be exact gives no key.
func TestSortKeyRefuses(t *testing.T) {
	for _, c := range []struct {
		text  string
		flags uint32
	}{
		{"か", key.DefaultMapFlags},                                // kana
		{"ᄀ", key.DefaultMapFlags},                                // Hangul letter
		{"中-", key.DefaultMapFlags},                               // a special behind an ideograph
		{"\uFF0D", key.DefaultMapFlags},                           // a special of unusual case weight
		{"²", key.MapSortKey},                                     // an unusual case weight
		{"\u0301", key.MapSortKey},                                // a mark without letter, with case
		{"ıs", key.MapUpperCase},                                  // dotless i
		{"𐐨", key.MapUpperCase},                                   // a letter outside the units
		{"a" + strings.Repeat("\u0301", 30), key.DefaultMapFlags}, // diacritics beyond a byte
	} {
		if got, err := sortKey(t, collation(t, c.flags), c.text); jet.CodeOf(err) != jet.ErrUnicodeTranslationFail {
			t.Errorf("%q %#x: %X, %v", c.text, c.flags, got, err)
		}
	}
}

// TestSortKeyCut compares keys made in little space with the front of whole ones.
func TestSortKeyCut(t *testing.T) {
	for _, flags := range []uint32{key.DefaultMapFlags, key.MapSortKey, key.MapUpperCase} {
		for _, text := range []string{"a", "It's Ünïcode—text", "ÀÉÎÕÜ", "--''--"} {
			ix := single(t, unicodeText)
			ix.Collation = collation(t, flags)
			v := key.Value{Data: utf16le(text)}
			whole, _, err := key.AppendSegment(nil, &unicodeText, ix, v, 255)
			if err != nil && flags == key.MapUpperCase {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for space := 1; space < 2*len(whole); space++ {
				got, truncated, err := key.AppendSegment(nil, &unicodeText, ix, v, space)
				if err != nil || truncated != (space < len(whole)) || !bytes.Equal(got, whole[:min(space, len(whole))]) {
					t.Errorf("%q %#x in %d: %X, %v, %v", text, flags, space, got, truncated, err)
				}
			}
		}
	}
}

func TestCollations(t *testing.T) {
	other := key.DefaultSortID
	other[0] = 0x1A
	for _, c := range []struct {
		locale  string
		flags   uint32
		version uint64
		id      key.SortID
		valid   jet.Err
		exact   bool
	}{
		{"en-US", key.DefaultMapFlags, key.SortVersion, key.DefaultSortID, 0, true},
		{"", key.DefaultMapFlags, 0x0006020E_0006020E, key.DefaultSortID, 0, true},
		{"de-DE", key.DefaultMapFlags, 0x0006020D_0006020D, key.DefaultSortID, 0, true},
		{"en-US", key.DefaultMapFlags, 0, key.DefaultSortID, 0, false},
		{"en-US", key.DefaultMapFlags, 0x00060305_00060305, key.DefaultSortID, 0, false},
		{"sv-SE", key.DefaultMapFlags, key.SortVersion, other, 0, false},
		{"es-ES_tradnl", key.DefaultMapFlags, key.SortVersion, other, 0, false},
		{"en-US", key.DefaultMapFlags | key.MapIgnoreSymbols, key.SortVersion, key.DefaultSortID, 0, false},
		{"sv-SE", key.MapUpperCase, 0, key.SortID{}, 0, true},
		{"en-US", key.MapUpperCase | key.MapSortKey, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLCMapStringFlags, false},
		{"en-US", key.MapIgnoreCase, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLCMapStringFlags, false},
		{"en-US", key.MapSortKey | 0x40, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLCMapStringFlags, false},
		{"xx-YY", key.DefaultMapFlags, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLanguageId, false},
		{"en US", key.DefaultMapFlags, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLanguageId, false},
		{"de-DE_", key.DefaultMapFlags, key.SortVersion, key.DefaultSortID, jet.ErrInvalidLanguageId, false},
	} {
		got, err := key.NewCollation(c.locale, c.flags, c.version, c.id)
		if jet.CodeOf(err) != c.valid {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if err == nil && (got.Exact() == nil) != c.exact {
			t.Errorf("%+v: exact %v", c, got.Exact())
		}
	}
	if key.CompleteMapFlags(key.MapIgnoreCase) != key.MapIgnoreCase|key.MapSortKey || key.CompleteMapFlags(key.MapUpperCase) != key.MapUpperCase {
		t.Error("CompleteMapFlags")
	}
	for locale, want := range map[string]jet.Err{"": 0, "en-US": 0, "EN-gb": 0, "de-AT": 0, "de-DE_phoneb": jet.ErrUnicodeNormalizationNotSupported,
		"sv-SE": jet.ErrUnicodeNormalizationNotSupported, "bogus-locale-name": jet.ErrInvalidLanguageId} {
		if _, err := key.SortIDOf(locale); jet.CodeOf(err) != want {
			t.Errorf("SortIDOf(%q): %v", locale, err)
		}
	}
	if !key.ReadableSortVersion(0x0006020E_0006020E) || !key.ReadableSortVersion(0x00060305_00060305) ||
		key.ReadableSortVersion(0x00060101_00060101) || key.ReadableSortVersion(0) {
		t.Error("readable sort versions")
	}
	if !key.SameSortVersion(0x0006020F_0006020F, 0x0006020D_0006020D) || key.SameSortVersion(0x0006020F_0006020F, 0x00060101_00060101) ||
		!key.SameSortVersion(0x00060101_00000000, 0x00060102_00000001) {
		t.Error("SameSortVersion")
	}
	a, b := key.DefaultSortID, key.DefaultSortID
	a[0], b[0] = 0x49, 0x4A
	if !key.SameSortID(a, b) || key.SameSortID(a, key.DefaultSortID) || !key.SameSortID(other, other) {
		t.Error("SameSortID")
	}
}

// TestWeightTable checks that the embedded table is what the generator makes of the published one.
func TestWeightTable(t *testing.T) {
	tsv := filepath.Join(testdata.Shared(t), "spec", "api", "sortweights.tsv")
	out := filepath.Join(t.TempDir(), "weights.bin")
	if b, err := exec.Command("go", "run", "./gen", "-in", tsv, "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("weights.bin")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("weights.bin is out of date: %v", err)
	}
}
