package engine

import (
	"esent/internal/engine/key"
	"esent/internal/jet"
)

// IndexLocale says how an index orders Unicode text (JET_UNICODEINDEX2).
type IndexLocale struct {
	// Name is the locale's name, "" for the invariant one. Default says that the caller named none, which means the
	// instance's default.
	Name    string
	Default bool
	// MapFlags are LCMapString flags, 0 for the instance's default.
	MapFlags uint32
}

// Locale gives the order that names a locale by its id, which 0 leaves to the instance. ErrInvalidLanguageId for an id
// that is none.
func (u UnicodeIndex) Locale() (*IndexLocale, error) {
	if u.LCID == 0 {
		return &IndexLocale{Default: true, MapFlags: u.MapFlags}, nil
	}
	name, ok := localeNames[u.LCID]
	if !ok {
		return nil, jet.ErrInvalidLanguageId
	}
	return &IndexLocale{Name: name, MapFlags: u.MapFlags}, nil
}

// defaultLocale is the order of indexes for which the caller names none.
func (i *Instance) defaultLocale() (name string, mapFlags uint32) {
	u := i.unicodeIndex()
	return localeNames[u.LCID], key.CompleteMapFlags(u.MapFlags)
}

const (
	lcidInvariant   = 0x7F
	lcidUnspecified = 0x1000 // of locales that have no id
)

// lcidOf is the locale id of a name.
func lcidOf(name string) uint32 {
	if name == "" {
		return lcidInvariant
	}
	for id, n := range localeNames {
		if key.EqualLocale(n, name) {
			return id
		}
	}
	return lcidUnspecified
}

// langIDOf is the language part of a locale id.
func langIDOf(lcid uint32) uint16 { return uint16(lcid) }

// localeNames are the locales that Windows has numbers for.
var localeNames = map[uint32]string{
	0x7F: "", 0x401: "ar-SA", 0x402: "bg-BG", 0x403: "ca-ES", 0x404: "zh-TW", 0x405: "cs-CZ", 0x406: "da-DK",
	0x407: "de-DE", 0x408: "el-GR", 0x409: "en-US", 0x40A: "es-ES_tradnl", 0x40B: "fi-FI", 0x40C: "fr-FR",
	0x40D: "he-IL", 0x40E: "hu-HU", 0x40F: "is-IS", 0x410: "it-IT", 0x411: "ja-JP", 0x412: "ko-KR", 0x413: "nl-NL",
	0x414: "nb-NO", 0x415: "pl-PL", 0x416: "pt-BR", 0x417: "rm-CH", 0x418: "ro-RO", 0x419: "ru-RU", 0x41A: "hr-HR",
	0x41B: "sk-SK", 0x41C: "sq-AL", 0x41D: "sv-SE", 0x41E: "th-TH", 0x41F: "tr-TR", 0x420: "ur-PK", 0x421: "id-ID",
	0x422: "uk-UA", 0x423: "be-BY", 0x424: "sl-SI", 0x425: "et-EE", 0x426: "lv-LV", 0x427: "lt-LT", 0x428: "tg-Cyrl-TJ",
	0x429: "fa-IR", 0x42A: "vi-VN", 0x42B: "hy-AM", 0x42C: "az-Latn-AZ", 0x42D: "eu-ES", 0x42E: "hsb-DE", 0x42F: "mk-MK",
	0x432: "tn-ZA", 0x434: "xh-ZA", 0x435: "zu-ZA", 0x436: "af-ZA", 0x437: "ka-GE", 0x438: "fo-FO", 0x439: "hi-IN",
	0x43A: "mt-MT", 0x43B: "se-NO", 0x43E: "ms-MY", 0x43F: "kk-KZ", 0x440: "ky-KG", 0x441: "sw-KE", 0x442: "tk-TM",
	0x443: "uz-Latn-UZ", 0x444: "tt-RU", 0x445: "bn-IN", 0x446: "pa-IN", 0x447: "gu-IN", 0x448: "or-IN", 0x449: "ta-IN",
	0x44A: "te-IN", 0x44B: "kn-IN", 0x44C: "ml-IN", 0x44D: "as-IN", 0x44E: "mr-IN", 0x44F: "sa-IN", 0x450: "mn-MN",
	0x451: "bo-CN", 0x452: "cy-GB", 0x453: "km-KH", 0x454: "lo-LA", 0x456: "gl-ES", 0x457: "kok-IN", 0x45A: "syr-SY",
	0x45B: "si-LK", 0x45D: "iu-Cans-CA", 0x45E: "am-ET", 0x461: "ne-NP", 0x462: "fy-NL", 0x463: "ps-AF", 0x464: "fil-PH",
	0x465: "dv-MV", 0x468: "ha-Latn-NG", 0x46A: "yo-NG", 0x46B: "quz-BO", 0x46C: "nso-ZA", 0x46D: "ba-RU", 0x46E: "lb-LU",
	0x46F: "kl-GL", 0x470: "ig-NG", 0x478: "ii-CN", 0x47A: "arn-CL", 0x47C: "moh-CA", 0x47E: "br-FR", 0x480: "ug-CN",
	0x481: "mi-NZ", 0x482: "oc-FR", 0x483: "co-FR", 0x484: "gsw-FR", 0x485: "sah-RU", 0x487: "rw-RW", 0x488: "wo-SN",
	0x48C: "prs-AF", 0x801: "ar-IQ", 0x804: "zh-CN", 0x807: "de-CH", 0x809: "en-GB", 0x80A: "es-MX", 0x80C: "fr-BE",
	0x810: "it-CH", 0x813: "nl-BE", 0x814: "nn-NO", 0x816: "pt-PT", 0x81A: "sr-Latn-CS", 0x81D: "sv-FI",
	0x82C: "az-Cyrl-AZ", 0x82E: "dsb-DE", 0x83B: "se-SE", 0x83C: "ga-IE", 0x83E: "ms-BN", 0x843: "uz-Cyrl-UZ",
	0x845: "bn-BD", 0x850: "mn-Mong-CN", 0x85D: "iu-Latn-CA", 0x85F: "tzm-Latn-DZ", 0x86B: "quz-EC", 0xC01: "ar-EG",
	0xC04: "zh-HK", 0xC07: "de-AT", 0xC09: "en-AU", 0xC0A: "es-ES", 0xC0C: "fr-CA", 0xC1A: "sr-Cyrl-CS", 0xC3B: "se-FI",
	0xC6B: "quz-PE", 0x1001: "ar-LY", 0x1004: "zh-SG", 0x1007: "de-LU", 0x1009: "en-CA", 0x100A: "es-GT", 0x100C: "fr-CH",
	0x101A: "hr-BA", 0x103B: "smj-NO", 0x1401: "ar-DZ", 0x1404: "zh-MO", 0x1407: "de-LI", 0x1409: "en-NZ", 0x140A: "es-CR",
	0x140C: "fr-LU", 0x141A: "bs-Latn-BA", 0x143B: "smj-SE", 0x1801: "ar-MA", 0x1809: "en-IE", 0x180A: "es-PA",
	0x180C: "fr-MC", 0x181A: "sr-Latn-BA", 0x183B: "sma-NO", 0x1C01: "ar-TN", 0x1C09: "en-ZA", 0x1C0A: "es-DO",
	0x1C1A: "sr-Cyrl-BA", 0x1C3B: "sma-SE", 0x2001: "ar-OM", 0x2009: "en-JM", 0x200A: "es-VE", 0x201A: "bs-Cyrl-BA",
	0x203B: "sms-FI", 0x2401: "ar-YE", 0x2409: "en-029", 0x240A: "es-CO", 0x241A: "sr-Latn-RS", 0x243B: "smn-FI",
	0x2801: "ar-SY", 0x2809: "en-BZ", 0x280A: "es-PE", 0x281A: "sr-Cyrl-RS", 0x2C01: "ar-JO", 0x2C09: "en-TT",
	0x2C0A: "es-AR", 0x2C1A: "sr-Latn-ME", 0x3001: "ar-LB", 0x3009: "en-ZW", 0x300A: "es-EC", 0x301A: "sr-Cyrl-ME",
	0x3401: "ar-KW", 0x3409: "en-PH", 0x340A: "es-CL", 0x3801: "ar-AE", 0x380A: "es-UY", 0x3C01: "ar-BH", 0x3C0A: "es-PY",
	0x4001: "ar-QA", 0x4009: "en-IN", 0x400A: "es-BO", 0x4409: "en-MY", 0x440A: "es-SV", 0x4809: "en-SG", 0x480A: "es-HN",
	0x4C0A: "es-NI", 0x500A: "es-PR", 0x540A: "es-US",
	0x10407: "de-DE_phoneb", 0x1040E: "hu-HU_technl", 0x10411: "ja-JP_radstr", 0x10437: "ka-GE_modern",
	0x20804: "zh-CN_stroke", 0x20C04: "zh-HK_radstr", 0x21004: "zh-SG_stroke", 0x21404: "zh-MO_stroke",
	0x30404: "zh-TW_pronun", 0x40404: "zh-TW_radstr", 0x40411: "ja-JP_radstr",
}
