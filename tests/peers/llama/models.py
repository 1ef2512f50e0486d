"""Small random models, the same bytes on every machine, for the comparison with llama-quantize.

llama-quantize looks at the names, shapes and metadata of a model, not at whether it could run, so that few rows are
enough. Only the row lengths matter for the types.
"""

import fnmatch
import hashlib
import re
from dataclasses import dataclass, field

import gguf
import numpy as np

HEADS, ROWS = 8, 4


def values(seed, shape):
    """Roughly normal numbers of different scales for each row. NumPy promises that the raw stream of a bit generator never
    changes, but not that of its distributions, so each number is a sum of four 16-bit integers."""
    count = int(np.prod(shape))
    raw = np.random.PCG64(seed).random_raw(count).view(np.uint16).reshape(-1, 4)
    centred = (raw.sum(axis=1, dtype=np.int64) - 2 * 65535) / 37837
    rows = centred.reshape(-1, shape[-1]) * (0.01 * (1 + np.arange(count // shape[-1]) % 5))[:, None]
    rows[0, :32] = 0
    rows[-1, 5] = 3.5
    return rows.reshape(shape).astype(np.float16)


def seed_of(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


@dataclass
class Model:
    name: str
    arch: str = "llama"
    layers: int = 3
    row: int = 256
    key_heads: int = HEADS
    experts: int = 0
    tied: bool = False
    same_layers: bool = False  # the layers have equal values, so that few checksums describe them
    fused: bool = False  # attn_qkv instead of attn_q, attn_k and attn_v
    odd_row: int = 0  # the length of the rows of ffn_down, if it differs
    tensors: dict = field(default_factory=dict)

    def __post_init__(self):
        self.add("token_embd.weight", 32, self.row)
        self.add_norm("output_norm.weight")
        if not self.tied:
            self.add("output.weight", 32, self.row)
        # In an order that is neither that of the names nor that of the layers.
        for layer in reversed(range(self.layers)):
            self.add_layer(f"blk.{layer}.")

    def key(self, name):
        """The name under which the checksums of a tensor are stored."""
        parts = name.split(".")
        return ".".join(["blk", "*", *parts[2:]]) if self.same_layers and parts[0] == "blk" else name

    def add(self, name, *shape):
        self.tensors[name] = values(seed_of(self.name + " " + self.key(name)), shape)

    def add_norm(self, name):
        self.tensors[name] = np.ones(self.row, np.float32)

    def add_layer(self, prefix):
        self.add_norm(prefix + "attn_norm.weight")
        if self.fused:
            self.add(prefix + "attn_qkv.weight", ROWS, self.row)
        else:
            for part in ("attn_q", "attn_k", "attn_v"):
                self.add(prefix + part + ".weight", ROWS, self.row)
        self.add(prefix + "attn_output.weight", ROWS, self.row)
        self.add_norm(prefix + "ffn_norm.weight")
        down = self.odd_row or self.row
        if self.experts:
            self.add(prefix + "ffn_gate_inp.weight", self.experts, self.row)
            for part, row in (("ffn_gate_exps", self.row), ("ffn_up_exps", self.row), ("ffn_down_exps", down)):
                self.add(prefix + part + ".weight", self.experts, 2, row)
            self.add(prefix + "ffn_down_shexp.weight", ROWS, down)
        else:
            for part, row in (("ffn_gate", self.row), ("ffn_up", self.row), ("ffn_down", down)):
                self.add(prefix + part + ".weight", ROWS, row)

    def write(self, path):
        writer = gguf.GGUFWriter(path, self.arch)
        writer.add_context_length(64)
        writer.add_embedding_length(self.row)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(self.row)
        writer.add_head_count(HEADS)
        writer.add_head_count_kv(self.key_heads)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_layer_norm_eps(1e-5)
        writer.add_file_type(1)
        if self.experts:
            writer.add_expert_count(self.experts)
            writer.add_expert_used_count(2)
        for name, data in self.tensors.items():
            writer.add_tensor(name, data)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def write_imatrix(self, path):
        """Writes an importance matrix as llama-imatrix does, without the embeddings; one expert was never used."""
        writer = gguf.GGUFWriter(path, "")
        writer.add_type("imatrix")
        writer.add_array("imatrix.datasets", ["text.txt"])
        writer.add_uint32("imatrix.chunk_count", 7)
        writer.add_uint32("imatrix.chunk_size", 512)
        for name, data in self.tensors.items():
            if data.ndim < 2 or name == "token_embd.weight":
                continue
            experts = data.shape[0] if data.ndim == 3 else 1
            sums = values(seed_of("imatrix " + self.name + " " + self.key(name)), (experts, data.shape[-1]))
            counts = np.arange(experts, dtype=np.float32) * 512 if experts > 1 else np.full(1, 3584, np.float32)
            writer.add_tensor(name + ".in_sum2", (sums.astype(np.float32) * 1000) ** 2)
            writer.add_tensor(name + ".counts", counts.reshape(experts, 1))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def digest(self):
        """Of the names and values of all tensors."""
        lines = [f"{name} {data.dtype} {data.shape} {digest(data.tobytes())}\n" for name, data in self.tensors.items()]
        return digest("".join(lines).encode())


# Types for some tensors: the regular expression that llama-quantize searches for in a name, the pattern that tensorfile
# compares with the whole name, and the type. The first one that matches counts.
OVERRIDES = [
    (r"blk\.0\.attn_v", "blk.0.attn_v.*", "q8_0"),
    (r"attn_qkv", "*attn_qkv*", "q5_1"),
    (r"blk\.1\.ffn_down", "blk.1.ffn_down*", "iq4_nl"),
    (r"attn_output", "*attn_output*", "q6_k"),
    (r"blk\.0\.ffn_up", "blk.0.ffn_up*", "q2_k"),
    (r"ffn_up", "*ffn_up*", "q3_k"),
    (r"ffn_gate_exps", "*ffn_gate_exps*", "mxfp4"),
    (r"token_embd", "token_embd*", "q5_k"),
    (r"^output\.weight", "output.weight", "f16"),
]


def overrides(model):
    """The overrides that concern a tensor of the model."""
    found = []
    for regex, pattern, kind in OVERRIDES:
        names = [name for name in model.tensors if re.search(regex, name)]
        assert names == [name for name in model.tensors if fnmatch.fnmatchcase(name, pattern)], regex
        if names:
            found.append((regex, pattern, kind))
    return found


def digest(data):
    """The first half of the SHA-256: the file of checksums is large enough."""
    return hashlib.sha256(data).hexdigest()[:32]


def models():
    return [
        Model("llama-3"),
        Model("llama-40", layers=40, key_heads=2, same_layers=True),
        Model("llama-80", layers=80, key_heads=1, same_layers=True),
        Model("experts-8", layers=16, experts=8, key_heads=4, same_layers=True),
        Model("experts-4", layers=9, experts=4, key_heads=2, same_layers=True),
        Model("tied", layers=2, tied=True, key_heads=2),
        Model("rows-of-288", layers=2, row=288, odd_row=100),
        Model("falcon", arch="falcon", layers=32, fused=True, same_layers=True),
    ]


def read_tensors(path):
    """Returns the type and the bytes of each tensor of a .gguf, and the values of its two keys about types."""
    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: (tensor.tensor_type.name, tensor.data.tobytes()) for tensor in reader.tensors}
    keys = {key: int(reader.fields[key].parts[-1][0]) for key in ("general.file_type", "general.quantization_version")}
    return tensors, keys
