"""Writes verdicts.tsv, the expected result for each golden file, from the manifest that the peers' generator wrote.

A line for a file:      FILE <tab> status of opening <tab> status of loading all
a line for its arrays:  <tab> name (a JSON string) <tab> dtype <tab> shape <tab> crc32

Where the manifest says "reject", a table in this script has the status for each file name, because readers disagree about
these files. Arrays of a dtype that the library does not support have the dtype "unsupported".
"""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))

# file -> (status of opening, status of loading), for all that the manifest does not call valid.
REFUSED = {
    **{f"npy/reject_{name}.npy": ("ok", "unsupported") for name in
       ("structured", "object", "unicode", "bytes", "datetime", "void20", "longdouble", "f8e5m2_as_f1",
        "f8e4m3_as_V1")},
    "npy/reject_trailing.npy": "corrupt",
    "npy/reject_truncated.npy": "truncated",
    "npy/reject_bad_magic.npy": "format",
    "npy/reject_version4.npy": "unsupported",
    "npy/reject_missing_key.npy": "corrupt",
    "npy/reject_extra_key.npy": "corrupt",
    "npy/reject_shape_int.npy": "corrupt",
    "npy/reject_negative_dim.npy": "corrupt",
    "npy/reject_hdr_past_eof.npy": "truncated",
    "npz/reject_bad_crc.npz": ("ok", "corrupt"),
    "npz/reject_encrypted.npz": "unsupported",
    "npz/reject_truncated.npz": "truncated",
    "npz/reject_lfh_name_mismatch.npz": "corrupt",
    "npz/reject_lzma.npz": "unsupported",
    "npz/crafted_object_member.npz": ("ok", "unsupported"),
    "safetensors/reject_truncated.safetensors": "truncated",
    "safetensors/reject_trailing.safetensors": "corrupt",
    "safetensors/reject_hole.safetensors": "corrupt",
    "safetensors/reject_overlap.safetensors": "corrupt",
    "safetensors/reject_dup_key.safetensors": "duplicate",
    "safetensors/reject_size_mismatch.safetensors": "corrupt",
    "safetensors/reject_unknown_dtype.safetensors": ("ok", "unsupported"),
    "safetensors/reject_meta_nonstring.safetensors": "corrupt",
    "safetensors/reject_hdr_too_large.safetensors": "limit",
    "safetensors/reject_hdr_past_eof.safetensors": "truncated",
    "safetensors/reject_f4_odd.safetensors": "corrupt",
    "gguf/crafted_v1.gguf": "unsupported",
    "gguf/reject_bad_magic.gguf": "format",
    "gguf/reject_version0.gguf": "unsupported",
    "gguf/reject_version4.gguf": "unsupported",
    "gguf/reject_truncated.gguf": "truncated",
    "gguf/reject_dup_key.gguf": "duplicate",
    "gguf/reject_dup_tensor.gguf": "duplicate",
    "gguf/reject_align24.gguf": "corrupt",
    "gguf/reject_align0.gguf": "corrupt",
    "gguf/reject_removed_type4.gguf": ("ok", "unsupported"),
    "gguf/reject_type_oob.gguf": ("ok", "unsupported"),
    "gguf/reject_row_not_multiple.gguf": "corrupt",
    "gguf/reject_kv_count_huge.gguf": "truncated",
    "gguf/reject_offset_past_eof.gguf": "corrupt",
}



def lines(entry):
    name = entry["file"]
    verdict = ("ok", "ok") if entry["expect"] == "ok" else REFUSED[name]
    if isinstance(verdict, str):
        verdict = (verdict, verdict)
    yield "\t".join((name, *verdict))
    if verdict != ("ok", "ok"):
        return
    for array in entry["arrays"]:
        shape = ",".join(str(size) for size in array["shape"])
        yield "\t".join(("", json.dumps(array["name"], ensure_ascii=False), array["dtype"], shape, array["crc32"]))


def main():
    with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as file:
        entries = json.load(file)["files"]
    # The index of a sharded set is no file of the four formats.
    entries = [entry for entry in entries if not entry["file"].endswith(".json")]
    with open(os.path.join(HERE, "verdicts.tsv"), "w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            for line in lines(entry):
                file.write(line + "\n")


if __name__ == "__main__":
    main()
