/* Whether AddressSanitizer watches: memory that is kept for later would hide what is used after it was freed. */
#ifndef SM_SANITIZER_H
#define SM_SANITIZER_H

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SM_ADDRESS_SANITIZER 1
#else
#define SM_ADDRESS_SANITIZER 0
#endif

#endif
