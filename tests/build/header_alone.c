/* The header does not depend on other headers, and may be included twice. */
#include TENSORFILE_HEADER
#include TENSORFILE_HEADER

tf_status (*header_alone)(tf_array **, tf_dict **, tf_dict **, const char *, const tf_options *) = tf_load;
