using System.IO;
using Tensorfile;
using UnityEngine;

/// <summary>Lists the arrays of a file in StreamingAssets, and reads one of them into memory of the GPU.</summary>
public class LoadWeights : MonoBehaviour
{
    public string fileName = "model.safetensors";
    public string arrayName = "weight";

    private ComputeBuffer buffer;

    public void Start()
    {
        using (var file = ArrayFile.Open(Path.Combine(Application.streamingAssetsPath, fileName)))
        {
            foreach (var entry in file.Entries)
            {
                Debug.Log(entry);
            }
            // Whatever the stored dtype is (bfloat16, a block type), the shader gets floats.
            var weight = file.Find(arrayName);
            var elements = new float[Count(weight)];
            file.ReadInto<float>(weight, elements);
            buffer = new ComputeBuffer(elements.Length, sizeof(float));
            buffer.SetData(elements);
        }
    }

    public void OnDestroy()
    {
        if (buffer != null)
        {
            buffer.Dispose();
        }
    }

    private static int Count(Entry entry)
    {
        long count = 1;
        foreach (var size in entry.Shape)
        {
            count = checked(count * size);
        }
        return checked((int)count);
    }
}
