// As much of Unity's API as the sample uses, to compile it without the engine.
using System;

namespace UnityEngine
{
    public class MonoBehaviour
    {
    }

    public static class Application
    {
        public static string streamingAssetsPath
        {
            get { return ""; }
        }
    }

    public static class Debug
    {
        public static void Log(object message)
        {
        }
    }

    public sealed class ComputeBuffer : IDisposable
    {
        public ComputeBuffer(int count, int stride)
        {
        }

        public void SetData(Array data)
        {
        }

        public void Dispose()
        {
        }
    }
}
