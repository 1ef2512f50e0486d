using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using Tensorfile;

/// <summary>
/// Tests of the package for Unity that need no engine. Usage: Tests.exe GOLDEN FOLDER, with the folder of the golden files
/// and an empty one.
/// </summary>
internal static class Tests
{
    private static string golden, folder;

    public static int Main(string[] args)
    {
        golden = args[0];
        folder = args[1];
        var tests = typeof(Tests).GetMethods(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(method => method.Name.StartsWith("Test")).ToList();
        var failed = 0;
        foreach (var test in tests)
        {
            try
            {
                test.Invoke(null, null);
            }
            catch (TargetInvocationException e)
            {
                failed++;
                Console.WriteLine(test.Name + ": " + e.InnerException);
            }
        }
        // What the library keeps for an object is released when nothing refers to the object any more.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.WriteLine(tests.Count + " tests, " + failed + " failed");
        return failed == 0 && tests.Count == 20 ? 0 : 1;
    }

    private static void Equal<T>(T expected, T found, string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, found))
        {
            throw new Exception(what + ": expected " + expected + ", found " + found);
        }
    }

    private static void Same<T>(IEnumerable<T> expected, IEnumerable<T> found, string what = "")
    {
        Equal(string.Join(", ", expected), string.Join(", ", found), what);
    }

    private static TException Throws<TException>(string part, Action action) where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException e)
        {
            if (!e.Message.Contains(part))
            {
                throw new Exception("the message lacks '" + part + "': " + e.Message);
            }
            return e;
        }
        throw new Exception("no " + typeof(TException).Name + " with '" + part + "'");
    }

    private static void Fails(Status status, string part, Action action)
    {
        Equal(status, Throws<TensorfileException>(part, action).Status, part);
    }

    private static string In(string name)
    {
        return Path.Combine(folder, name);
    }

    private static Dictionary<string, NdArray> Example()
    {
        return new Dictionary<string, NdArray>
        {
            { "w", NdArray.From(new float[] { 1, 2, 3, 4, 5, 6 }, 2, 3) },
            { "ids", NdArray.From(new long[] { -1, long.MaxValue }) },
        };
    }

    private static void TestEveryFunctionExists()
    {
        var native = typeof(TensorIO).Assembly.GetType("Tensorfile.Native");
        var functions = native.GetMethods(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(method => method.GetCustomAttributes(typeof(DllImportAttribute), false).Length == 1).ToList();
        Equal(true, functions.Count > 75, functions.Count + " functions");
        foreach (var function in functions)
        {
            Marshal.Prelink(function);
        }
    }

    private static void TestGoldenFiles()
    {
        int files = 0, arrays = 0;
        Loaded loaded = null;
        foreach (var line in File.ReadAllLines(Path.Combine(golden, "verdicts.tsv")))
        {
            var columns = line.Split('\t');
            if (columns[0] != "")
            {
                files++;
                loaded = LoadGolden(Path.Combine(golden, columns[0]), columns[2]);
            }
            else if (loaded != null)
            {
                arrays++;
                var name = columns[1].Substring(1, columns[1].Length - 2)
                    .Replace("\\n", "\n").Replace("\\\"", "\"").Replace("\\\\", "\\");
                var array = loaded[name];
                var bytes = new byte[array.ByteCount];
                array.CopyBytesTo(bytes);
                Equal(string.Join("\t", columns.Skip(2)), string.Join("\t", TensorIO.Name(array.Dtype),
                    string.Join(",", array.Shape), Crc32.Of(bytes)), name);
            }
        }
        Equal(true, files > 150 && arrays > 200, files + " files, " + arrays + " arrays");
    }

    /// <summary>By path, from memory and from a stream.</summary>
    private static Loaded LoadGolden(string path, string verdict)
    {
        var format = TensorIO.FormatOfPath(path);
        var bytes = File.ReadAllBytes(path);
        Loaded result = null;
        foreach (var load in new Func<Loaded>[] {
            () => TensorIO.Load(bytes, format), () => TensorIO.Load(new MemoryStream(bytes), format),
            () => TensorIO.Load(path) })
        {
            var found = "ok";
            try
            {
                result = load();
            }
            catch (TensorfileException e)
            {
                found = e.Status.ToString().ToLowerInvariant();
                result = null;
            }
            Equal(verdict, found, path);
        }
        return result;
    }

    private static void TestNpyIsThatOfNumPy()
    {
        var saved = 0;
        foreach (var path in Directory.GetFiles(Path.Combine(golden, "npy"), "np_*_c.npy"))
        {
            using (var loaded = TensorIO.Load(path))
            {
                TensorIO.Save(In("x.npy"), loaded[""]);
                Equal(Convert.ToBase64String(File.ReadAllBytes(path)), Convert.ToBase64String(File.ReadAllBytes(In("x.npy"))), path);
                saved++;
            }
        }
        Equal(true, saved >= 10, saved + " files");
    }

    private static void TestEveryFormatRoundTrips()
    {
        foreach (var format in new[] { Format.Npz, Format.Safetensors, Format.Gguf })
        {
            var path = In("m" + TensorIO.Extension(format));
            var metadata = new Dictionary<string, object> { { "author", "Ada \u20AC" } };
            TensorIO.Save(path, Example(), metadata);
            using (var loaded = TensorIO.Load(path))
            using (var file = ArrayFile.Open(path))
            {
                Same(new float[] { 1, 2, 3, 4, 5, 6 }, loaded["w"].ToArray<float>());
                Same(new long[] { -1, long.MaxValue }, loaded["ids"].ToArray<long>());
                Same(new long[] { 2, 3 }, loaded["w"].Shape);
                Equal("Ada \u20AC", (string)loaded.Metadata["author"]);
                Equal("Ada \u20AC", (string)file.ReadMetadata()["author"]);
                Equal(format, file.Format);
            }
            var bytes = TensorIO.ToBytes(format, Example(), metadata);
            Same(File.ReadAllBytes(path), bytes);
            Equal(format, TensorIO.FormatOfContent(bytes));
            var stream = new MemoryStream();
            TensorIO.SaveTo(stream, format, Example(), metadata);
            Same(new[] { 1f, 2f, 3f, 4f, 5f, 6f }, TensorIO.Load(stream)["w"].ToArray<float>());
        }
    }

    private static void TestEveryTypeOfElements()
    {
        RoundTrip(new[] { true, false }, Dtype.Bool);
        RoundTrip(new sbyte[] { -128, 127 }, Dtype.Int8);
        RoundTrip(new short[] { short.MinValue, 1 }, Dtype.Int16);
        RoundTrip(new[] { int.MinValue, 1 }, Dtype.Int32);
        RoundTrip(new[] { long.MinValue, 1 }, Dtype.Int64);
        RoundTrip(new byte[] { 255, 1 }, Dtype.Uint8);
        RoundTrip(new ushort[] { 65535, 1 }, Dtype.Uint16);
        RoundTrip(new[] { uint.MaxValue, 1u }, Dtype.Uint32);
        RoundTrip(new[] { ulong.MaxValue, 1ul }, Dtype.Uint64);
        RoundTrip(new[] { float.Epsilon, -1.5f }, Dtype.Float32);
        RoundTrip(new[] { double.Epsilon, -1.5 }, Dtype.Float64);
        Fails(Status.InvalidArgument, "no elements of the type Char", () => NdArray.From(new[] { 'a' }));
    }

    private static void RoundTrip<T>(T[] elements, Dtype dtype) where T : struct
    {
        using (var array = NdArray.From(elements))
        {
            Equal(dtype, array.Dtype);
            Same(elements, array.ToArray<T>());
            Same(elements, array.AsSpan<T>().ToArray());
            Same(elements, NdArray.From(new ReadOnlySpan<T>(elements), 1, 2).ToArray<T>());
            Equal(elements[0], NdArray.Scalar(elements[0]).ToArray<T>()[0]);
        }
    }

    private static void TestViews()
    {
        var array = NdArray.From(new[] { 0, 1, 2, 3, 4, 5 }, 2, 3);
        Same(new[] { 0, 3, 1, 4, 2, 5 }, array.Transpose().ToArray<int>());
        Same(new[] { 0, 3, 1, 4, 2, 5 }, array.Transpose(1, 0).ToArray<int>());
        Same(new long[] { 3, 2 }, array.Reshape(3, -1).Shape);
        Same(new[] { 5, 4, 3 }, array.Part(Slice.Of(1, 2), new Slice(null, null, -1)).ToArray<int>());
        Same(new[] { 2, 5 }, array.Part(Slice.All, new Slice(-1, null)).ToArray<int>());
        Same(new long[] { 4, 12 }, array.Transpose().Strides);
        Equal(false, array.Transpose().IsContiguous);
        Fails(Status.InvalidArgument, "not contiguous", () => array.Transpose().AsSpan<int>());
        Equal(true, array.Transpose().Contiguous().IsContiguous);
        Equal(true, array.HasSameElements(array.Reshape(6).Reshape(2, 3)));
        Equal(false, array.HasSameElements(array.Reshape(6)));
        Fails(Status.InvalidArgument, "3 slices for an array of 2 dimensions", () => array.Part(Slice.All, Slice.All, Slice.All));
        Equal("NdArray(int32, [2, 3])", array.ToString());
    }

    private static void TestElementsCanBeWritten()
    {
        var array = NdArray.Zeros(Dtype.Float32, 2, 2);
        var elements = array.AsMutableSpan<float>();
        elements[3] = 4;
        array.SetDouble(2.5, 0, 1);
        Same(new[] { 0, 2.5f, 0, 4 }, array.ToArray<float>());
        Equal(4.0, array.GetDouble(-1, -1));
        var integers = NdArray.Zeros(Dtype.Uint8, 1);
        integers.SetInt64(255, 0);
        Equal(255L, integers.GetInt64(0));
        Fails(Status.InvalidArgument, "256", () => integers.SetInt64(256, 0));
        var view = array.Part();
        Fails(Status.InvalidArgument, "shared", () => array.AsMutableSpan<float>());
        view.Dispose();
    }

    private static void TestConversions()
    {
        var array = NdArray.From(new[] { 1.5f, -2.5f });
        Same(new[] { 1, -2 }, array.CastTo<int>());
        Fails(Status.Type, "the elements are float32, not int32", () => array.ToArray<int>());
        Equal(Dtype.Bfloat16, array.Cast(Dtype.Bfloat16).Dtype);
        Same(new[] { 1.5, -2.5 }, array.Cast(Dtype.Float16).CastTo<double>());
        // A block of q8_0 has a scale, here 1, and 32 bytes.
        var blocks = NdArray.From(Enumerable.Repeat(127f, 64).ToArray(), 2, 32).Cast(Dtype.Q8_0);
        Equal(2ul * 34, blocks.ByteCount);
        Equal(68, blocks.AsSpan<byte>().Length);
        Equal(127f * 64, blocks.CastTo<float>().Sum());
        Same(new long[] { 1, 32 }, NdArray.FromBytes(blocks.AsSpan<byte>().Slice(34), Dtype.Q8_0, 1, 32).Shape);
        var values = new double[2];
        array.CopyTo<double>(values);
        Same(new[] { 1.5, -2.5 }, values);
        Fails(Status.InvalidArgument, "16", () => array.CopyTo<double>(new double[3]));
    }

    private static void TestFilesAreReadOnRequest()
    {
        TensorIO.Save(In("lazy.safetensors"), Example());
        using (var stream = File.OpenRead(In("lazy.safetensors")))
        using (var streamed = ArrayFile.Open(stream))
        using (var memory = ArrayFile.Open(File.ReadAllBytes(In("lazy.safetensors"))))
        using (var path = ArrayFile.Open(In("lazy.safetensors")))
        {
            foreach (var file in new[] { streamed, memory, path })
            {
                ReadOnRequest(file);
            }
            Fails(Status.InvalidArgument, "'w' is an entry of another file", () => path.Read(memory.Find("w")));
        }
        File.WriteAllBytes(In("short.npz"), new byte[10]);
        using (var stream = File.OpenRead(In("short.npz")))
        {
            Throws<TensorfileException>("short.npz: ", () => ArrayFile.Open(stream));
        }
    }

    private static void ReadOnRequest(ArrayFile file)
    {
        Same(new[] { "ids", "w" }, file.Entries.Select(entry => entry.Name).OrderBy(name => name));
        var w = file.Find("w");
        Equal("w: float32 [2, 3]", w.ToString());
        Equal(24ul, w.ByteCount);
        Same(new[] { 1f, 2, 3, 4, 5, 6 }, file.Read("w").ToArray<float>());
        Equal(24ul, file.ReadRaw(w).ByteCount);
        var floats = new float[6];
        file.ReadInto<float>(w, floats);
        Same(new[] { 1f, 2, 3, 4, 5, 6 }, floats);
        var doubles = new double[8];
        file.ReadInto(w, new Span<double>(doubles, 1, 6));
        Same(new[] { 0.0, 1, 2, 3, 4, 5, 6, 0 }, doubles);
        var bytes = new byte[24];
        file.ReadBytesInto(w, bytes);
        Equal(1f, BitConverter.ToSingle(bytes, 0));
        Same(new[] { 4f, 6f }, file.ReadPart(w, Slice.Of(1, 2), new Slice(null, null, 2)).ToArray<float>());
        var part = new int[2];
        file.ReadPartInto<int>(w, part, Slice.All, Slice.Of(2, 3));
        Same(new[] { 3, 6 }, part);
        file.ReadPartInto<int>(w, new int[0], Slice.Of(0, 0));
        Fails(Status.InvalidArgument, "24", () => file.ReadInto<float>(w, new float[5]));
        Fails(Status.NotFound, "x", () => file.Find("x"));
        Equal(0, file.Notes().Length);
    }

    private static void TestMetadataOfGguf()
    {
        var metadata = new Dictionary<string, object>
        {
            { "general.architecture", "llama" }, { "llama.block_count", 32u }, { "factor", 0.5f }, { "on", true },
            { "big", ulong.MaxValue }, { "double", 1e300 }, { "tokens", new[] { "a", "", "\u00E9" } },
            { "scores", new[] { 1.5f, 2.5f } }, { "bytes", new byte[] { 1, 255 } },
            { "nested", new Dictionary<string, object> { { "0", new[] { 1, 2 } }, { "1", new[] { 3 } } } },
            { "array", NdArray.Scalar((short)-7) },
        };
        TensorIO.Save(In("m.gguf"), Example(), metadata);
        var found = TensorIO.Load(In("m.gguf")).Metadata;
        Same(metadata.Keys, found.Keys);
        Equal(32u, (uint)found["llama.block_count"]);
        Equal(0.5f, (float)found["factor"]);
        Equal(true, (bool)found["on"]);
        Equal(ulong.MaxValue, (ulong)found["big"]);
        Equal(1e300, (double)found["double"]);
        Same(new[] { "a", "", "\u00E9" }, (string[])found["tokens"]);
        Same(new[] { 1.5f, 2.5f }, (float[])found["scores"]);
        Same(new byte[] { 1, 255 }, (byte[])found["bytes"]);
        Same(new[] { 3 }, (int[])((Dictionary<string, object>)found["nested"])["1"]);
        Equal((short)-7, (short)found["array"]);
        Fails(Status.InvalidArgument, "metadata 'x' is Object", () => TensorIO.Save(In("m.gguf"), Example(),
            new Dictionary<string, object> { { "x", new object() } }));
        Fails(Status.InvalidArgument, "metadata 'x' is null", () => TensorIO.Save(In("m.gguf"), Example(),
            new Dictionary<string, object> { { "x", null } }));
    }

    private static void TestMetadataCanBeReplaced()
    {
        var path = In("replaced.safetensors");
        TensorIO.Save(path, Example(), new Dictionary<string, object> { { "author", "Ada" } });
        TensorIO.SaveMetadata(path, new Dictionary<string, object> { { "title", "x" } });
        using (var loaded = TensorIO.Load(path))
        {
            Same(new[] { "title" }, loaded.Metadata.Keys);
            Same(new[] { 1f, 2, 3, 4, 5, 6 }, loaded["w"].ToArray<float>());
        }
        TensorIO.SaveMetadata(path, null);
        using (var file = ArrayFile.Open(path))
        {
            Equal(0, file.ReadMetadata().Count);
        }
        Fails(Status.NotFound, "absent", () => TensorIO.SaveMetadata(In("absent.npz"), null));
    }

    private static void TestErrorsHaveAStatus()
    {
        var e = Throws<TensorfileException>("absent.npz", () => TensorIO.Load(In("absent.npz")));
        Equal(Status.NotFound, e.Status);
        Equal(2L, e.SystemError); // ENOENT
        Equal(null, e.Offset);
        var bytes = TensorIO.ToBytes(Format.Safetensors, Example());
        Fails(Status.Truncated, "", () => TensorIO.Load(new ReadOnlySpan<byte>(bytes, 0, bytes.Length - 1)));
        Fails(Status.Format, "", () => TensorIO.Load(new byte[100]));
        Fails(Status.Format, "", () => ArrayFile.Open(new ReadOnlySpan<byte>()));
        var complex = new Dictionary<string, NdArray> { { "z", NdArray.Zeros(Dtype.Complex128, 1) } };
        Fails(Status.Unsupported, "z", () => TensorIO.ToBytes(Format.Safetensors, complex));
        Fails(Status.InvalidArgument, "", () => NdArray.From(new float[3], 2));
        Throws<ArgumentNullException>("", () => TensorIO.Load((string)null));
        Throws<ArgumentException>("NUL", () => TensorIO.Load("a\0b"));
        Throws<ArgumentNullException>("'x'", () => TensorIO.ToBytes(Format.Npz, new Dictionary<string, NdArray> { { "x", null } }));
    }

    private static void TestOptions()
    {
        using (var options = new Options().Set(Option.Compress, 1).Set(Option.LoadMode, "map").Set(Option.Threads, 2))
        {
            Equal(1L, options.Get(Option.Compress));
            Equal((long)LoadMode.Map, options.Get(Option.LoadMode));
            var zeros = new Dictionary<string, NdArray> { { "z", NdArray.Zeros(Dtype.Float32, 100000) } };
            Equal(true, TensorIO.ToBytes(Format.Npz, zeros, null, options).Length < 10000);
            Equal(true, TensorIO.ToBytes(Format.Npz, zeros).Length > 400000);
            Fails(Status.InvalidArgument, "threads", () => options.Set(Option.Threads, 5000));
            Fails(Status.Limit, "max_arrays", () => TensorIO.Load(TensorIO.ToBytes(Format.Npz, Example()), Format.Npz,
                new Options().Set(Option.MaxArrays, 1)));
        }
    }

    private static void TestProgressAndCancellation()
    {
        var zeros = new Dictionary<string, NdArray> { { "z", NdArray.Zeros(Dtype.Float32, 3000000) } };
        ulong last = 0, total = 0;
        using (var options = new Options().SetProgress((done, all) => { last = done; total = all; return true; }))
        {
            TensorIO.Save(In("z.npy"), zeros["z"], options);
        }
        Equal(12000000ul, last);
        Equal(12000000ul, total);
        using (var options = new Options().SetProgress((done, all) => false))
        {
            Throws<OperationCanceledException>("", () => TensorIO.Load(In("z.npy"), options));
        }
        using (var options = new Options().SetProgress((done, all) => { throw new InvalidOperationException("mine"); }))
        {
            Throws<InvalidOperationException>("mine", () => TensorIO.Load(In("z.npy"), options));
        }
        // A later failure is not mistaken for that of the callback.
        Fails(Status.NotFound, "absent", () => TensorIO.Load(In("absent.npy")));
    }

    private sealed class Broken : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            throw new IOException("the connection was lost");
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            throw new IOException("the disk was removed");
        }
    }

    private sealed class Shorter : MemoryStream
    {
        internal Shorter(byte[] bytes) : base(bytes)
        {
        }

        public override long Length
        {
            get { return base.Length + 1000; }
        }
    }

    private static void TestFailuresOfStreamsReachTheCaller()
    {
        var broken = new Broken();
        Throws<IOException>("the disk was removed", () => TensorIO.SaveTo(broken, Format.Npz, Example()));
        broken.SetLength(1000);
        Throws<IOException>("the connection was lost", () => TensorIO.Load(broken, Format.Npz));
        Throws<EndOfStreamException>("", () => TensorIO.Load(
            new Shorter(TensorIO.ToBytes(Format.Npz, Example())), Format.Npz));
        Throws<ArgumentNullException>("", () => TensorIO.Load((Stream)null));
        var closed = new MemoryStream();
        closed.Close();
        Fails(Status.InvalidArgument, "able to seek", () => TensorIO.Load(closed));
    }

    private static void TestDisposedObjectsAreRefused()
    {
        var loaded = TensorIO.Load(TensorIO.ToBytes(Format.Npz, Example()));
        var array = loaded["w"];
        var view = array.Transpose();
        loaded.Dispose();
        Throws<ObjectDisposedException>("", () => array.ToArray<float>());
        Same(new[] { 1f, 4, 2, 5, 3, 6 }, view.ToArray<float>());
        var options = new Options();
        options.Dispose();
        Throws<ObjectDisposedException>("", () => TensorIO.Load("x.npz", options));
        var file = ArrayFile.Open(TensorIO.ToBytes(Format.Npz, Example()));
        file.Dispose();
        Throws<ObjectDisposedException>("", () => file.Read(file.Entries[0]));
    }

    private static void TestNamesOfManyKinds()
    {
        var arrays = new Dictionary<string, NdArray>();
        foreach (var name in new[] { "\u65E5\u672C", "a/b", "with space", "\U0001F600" })
        {
            arrays.Add(name, NdArray.Scalar(1));
        }
        using (var loaded = TensorIO.Load(TensorIO.ToBytes(Format.Safetensors, arrays)))
        {
            Same(arrays.Keys.OrderBy(name => name), loaded.Arrays.Keys.OrderBy(name => name));
        }
        Throws<System.Text.EncoderFallbackException>("", () => TensorIO.ToBytes(
            Format.Npz, new Dictionary<string, NdArray> { { "\uD800", NdArray.Scalar(1) } }));
    }

    private static void TestEmptyArrays()
    {
        var arrays = new Dictionary<string, NdArray> { { "e", NdArray.From(new float[0], 0, 3) } };
        foreach (var format in new[] { Format.Npz, Format.Safetensors })
        {
            using (var loaded = TensorIO.Load(TensorIO.ToBytes(format, arrays)))
            {
                Same(new long[] { 0, 3 }, loaded["e"].Shape);
                Equal(0, loaded["e"].ToArray<float>().Length);
                Equal(0, loaded["e"].AsSpan<float>().Length);
            }
        }
    }

    private static void TestSeveralThreadsReadOneFile()
    {
        TensorIO.Save(In("t.safetensors"), new Dictionary<string, NdArray> {
            { "x", NdArray.From(Enumerable.Range(0, 100000).ToArray(), 100, 1000) } });
        using (var file = ArrayFile.Open(In("t.safetensors")))
        {
            var sums = new long[8];
            System.Threading.Tasks.Parallel.For(0, sums.Length, i =>
            {
                for (var row = i; row < 100; row += sums.Length)
                {
                    using (var part = file.ReadPart(file.Entries[0], Slice.Of(row, row + 1)))
                    {
                        sums[i] += part.ToArray<int>().Sum(value => (long)value);
                    }
                }
            });
            Equal(99999L * 100000 / 2, sums.Sum());
        }
    }

    private static void TestTheVersionIsThatOfThePackage()
    {
        var package = File.ReadAllText(Path.Combine(golden, "../../bindings/unity/package.json"));
        Equal(true, package.Contains("\"version\": \"" + TensorIO.Version + "\""), TensorIO.Version);
    }
}
