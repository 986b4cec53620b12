// Replaces libstdc++'s view of the operating system: there is none below the nucleus.
#pragma once
