package engine

// Engine format versions from which on a database has the features that this package looks at itself (spec
// chapter 02, 12.2).
const (
	efvPersistedFlushMap     = 8220
	efvSetDBVersion          = 8940
	efvShrinkEof             = 9100
	efvLgposLastResize       = 9180
	efvLogtimeGenMaxRequired = 9260
	efvDbTimeShrink          = 9320
	efvReservedTags          = 9560
)
